/**
 * Whether to write in colour.
 * @module
 */
import { noColor, stdStream } from "./_runtime.ts";

/**
 * Tells whether a stream of the process wants colours: it is a terminal, and `NO_COLOR`
 * (https://no-color.org) is not set. It looks when it is called.
 * @param name The stream.
 * @returns Whether to colour.
 * @example Usage
 * ```ts
 * import { colorEnabled, memorySink, terminal } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = terminal(sink, { enabled: colorEnabled("stderr") });
 * log({ msg: "hello" });
 * assert.equal(sink.lines.length, 1);
 * ```
 */
export function colorEnabled(name: "stdout" | "stderr"): boolean {
  return !noColor() && (stdStream(name)?.isTerminal() ?? false);
}
