/**
 * Keeps secrets out of the log.
 * @module
 */
import type { Fields, Logger } from "./logger.ts";

/** Options for {@linkcode redact}. */
export interface RedactOptions {
  /**
   * What stands for a secret.
   * @default {"[redacted]"}
   */
  readonly replacement?: string;
}

/** How deep secrets are looked for; what lies deeper is replaced as a whole. */
const MAX_DEPTH = 8;

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/**
 * Gives a logger that replaces the values of named fields, also of those inside plain objects and
 * arrays. Put it next to the format (`withFields(redact(logfmt(sink), names), ...)`), so that it
 * sees every field.
 *
 * It goes by names only: a secret inside a text is not seen.
 * @param log Where the events go.
 * @param names The names; upper and lower case do not matter.
 * @param options What stands for a secret.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink, redact } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * redact(logfmt(sink), ["password"])({ user: "ada", Password: "hunter2" });
 * assert.deepEqual(sink.lines, ["user=ada Password=[redacted]"]);
 * ```
 */
export function redact(log: Logger, names: Iterable<string>, options: RedactOptions = {}): Logger {
  const { replacement = "[redacted]" } = options;
  const secret = new Set(Array.from(names, (name) => name.toLowerCase()));

  function cleanEntries(fields: Fields, depth: number): Fields {
    return Object.fromEntries(
      Object.entries(fields).map((
        [key, value],
      ) => [key, secret.has(key.toLowerCase()) ? replacement : clean(value, depth)]),
    );
  }

  function clean(value: unknown, depth: number): unknown {
    if (typeof value !== "object" || value === null) return value;
    const isArray = Array.isArray(value);
    if (!isArray && !isPlain(value)) return value;
    if (depth >= MAX_DEPTH) return replacement;
    return isArray
      ? value.map((item) => clean(item, depth + 1))
      : cleanEntries(value as Fields, depth + 1);
  }

  const kitLog: Logger = (fields) => {
    let safe: Fields;
    try {
      safe = cleanEntries(fields, 0);
    } catch {
      safe = { msg: "Cannot redact event" };
    }
    log(safe);
  };
  return kitLog;
}
