/**
 * A sink that writes to the console.
 * @module
 */
import type { Sink } from "./sink.ts";

/** The methods of the console that write a line. */
export type ConsoleMethod = "debug" | "log" | "info" | "warn" | "error";

/**
 * Gives a sink that writes to the console: for browsers and workers, and for what reads only the
 * console, as Deno's OpenTelemetry does. On a server it blocks the event loop while the reader of
 * the output stalls; `stderrSink` does not.
 * @param method The method that writes a line.
 * @returns The sink.
 * @example Usage
 * ```ts
 * import { captureConsole, consoleSink, json, logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const seen = memorySink();
 * using _captured = captureConsole(json(seen));
 * logfmt(consoleSink("debug"))({ n: 1 });
 * assert.deepEqual(seen.lines, ['{"level":"debug","msg":"n=1"}']);
 * ```
 */
export function consoleSink(method: ConsoleMethod): Sink {
  // deno-lint-ignore no-console -- it is what the caller asked for
  return (line) => console[method]("%s", line);
}
