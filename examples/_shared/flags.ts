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
      args: args.map((arg) => /^-\w\w/.test(arg) ? `-${arg}` : arg),
      options: { ...options, help: { type: "boolean", short: "h" } },
    }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/, 1);
    throw new UsageError(what!, /* isUnknown */ true);
  }
}

/** Tells how a program is called. */
export function usage(name: string, flags: Flags): string {
  const lines = Object.entries(flags).map(([name, { help, byDefault }]) =>
    `  --${name}=${byDefault}`.padEnd(20) + help
  );
  return [`Usage: ${name} [flags]`, ...lines, `  ${"--help".padEnd(18)}print this`].join("\n");
}
