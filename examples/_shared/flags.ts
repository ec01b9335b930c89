/**
 * The flags of the examples.
 * @module
 */
import { parseListenAddress } from "@kit/transport/http";
import { parseArgs } from "node:util";

/** A flag, given as `--name=value`, or as `-name=value` as in Go. */
export interface Flag<T> {
  /** What it does. */
  readonly help: string;
  /** Its value when it is not given. */
  readonly byDefault: string;
  /** Reads its value; throws if that is wrong. */
  readonly parse: (text: string) => T;
  /** Whether the name alone stands for `true`, as in Go. */
  readonly isSwitch?: boolean;
}

/** Flags by name. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of flags, by name. */
export type Values<F extends Flags> = { readonly [Name in keyof F]: ReturnType<F[Name]["parse"]> };

/** Tells a user what is wrong with the flags. */
export class UsageError extends Error {
  constructor(message: string, readonly isUnknown: boolean = false) {
    super(message);
  }
}

/** Where to listen. */
export const listen: Flag<string> = {
  help: "address to listen on, :port or host:port",
  byDefault: ":8080",
  parse(text) {
    parseListenAddress(text);
    return text;
  },
};

/** One of several words. */
export function oneOf<const W extends string>(help: string, words: readonly W[]): Flag<W> {
  const known = (text: string): text is W => (words as readonly string[]).includes(text);
  return {
    help: `${help}: ${words.join(", ")}`,
    byDefault: words[0]!,
    parse(text) {
      if (known(text)) return text;
      throw new TypeError(`"${text}" is none of ${words.join(", ")}`);
    },
  };
}

/** Yes or no. */
export function yesOrNo(help: string): Flag<boolean> {
  return {
    help,
    byDefault: "false",
    isSwitch: true,
    parse(text) {
      if (text === "true" || text === "false") return text === "true";
      throw new TypeError(`"${text}" is neither true nor false`);
    },
  };
}

/** A whole number of zero or more. */
export function count(help: string): Flag<number> {
  return {
    help,
    byDefault: "0",
    parse(text) {
      if (/^\d{1,9}$/.test(text)) return Number(text);
      throw new TypeError(`"${text}" is no whole number`);
    },
  };
}

/**
 * Takes flags apart from what follows them: the first argument that is no flag, and all after it.
 * @param flags The flags that there are.
 * @param args What was given.
 * @returns The flags, and the rest.
 */
export function splitArgs(
  flags: Flags,
  args: readonly string[],
): [given: string[], rest: string[]] {
  let end = 0;
  while (end < args.length && /^--?[^-]/.test(args[end]!)) {
    const [, name = "", hasValue] = /^--?([^=]+)(=?)/.exec(args[end]!)!;
    const isAlone = hasValue !== "" || flags[name]?.isSwitch || /^h(elp)?$/.test(name);
    end += isAlone ? 1 : 2;
  }
  const rest = args.slice(end);
  if (rest[0] === "--") rest.shift();
  return [args.slice(0, end), rest];
}

/**
 * Reads flags.
 * @param flags The flags that there are.
 * @param args What was given.
 * @returns Their values; `"help"` when that was asked for.
 * @throws {UsageError} If one is not known, or its value is wrong.
 */
export function parseFlags<F extends Flags>(
  flags: F,
  args: readonly string[],
): Values<F> | "help" {
  const given = parse(flags, args);
  if (given.help) return "help";
  const values = Object.entries(flags).map(([name, { byDefault, parse }]) => {
    try {
      return [name, parse(given[name] as string | undefined ?? byDefault)];
    } catch (error) {
      throw new UsageError(`--${name}: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(values);
}

function parse(flags: Flags, args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    Object.keys(flags).map((name) => [name, { type: "string" as const }]),
  );
  try {
    return parseArgs({
      args: args.map((arg) => completed(flags, /^-\w\w/.test(arg) ? `-${arg}` : arg)),
      options: { ...options, help: { type: "boolean", short: "h" } },
    }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/, 1);
    throw new UsageError(what!, /* isUnknown */ true);
  }
}

/** Writes a switch out. */
function completed(flags: Flags, arg: string): string {
  return flags[arg.slice(2)]?.isSwitch && arg.startsWith("--") ? `${arg}=true` : arg;
}

/** Tells how a program is called. */
export function usage(name: string, flags: Flags): string {
  const all = Object.entries(flags).map(([name, { help, byDefault }]) =>
    [`--${name}=${byDefault}`, help] as const
  );
  const width = Math.max(16, ...all.map(([flag]) => flag.length)) + 2;
  const lines = [...all, ["--help", "print this"] as const].map(([flag, help]) =>
    `  ${flag.padEnd(width)}${help}`
  );
  return [`Usage: ${name} [flags]`, ...lines].join("\n");
}
