/**
 * A logger that can be changed while the program runs.
 * @module
 */
import type { Logger } from "./logger.ts";
import { nopLogger } from "./nop_logger.ts";

/** A logger that hands its events to another, which can be changed. */
export interface SwapLogger extends Logger {
  /**
   * Changes where the events go from now on.
   * @param log The logger; with none, events are dropped.
   */
  swap(log?: Logger): void;
}

/**
 * Gives a logger whose target can be changed at run time. Until it is set, events are dropped.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { json, logfmt, memorySink, swapLogger } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = swapLogger();
 * log({ n: 1 });
 * log.swap(logfmt(sink));
 * log({ n: 2 });
 * log.swap(json(sink));
 * log({ n: 3 });
 * assert.deepEqual(sink.lines, ["n=2", '{"n":3}']);
 * ```
 */
export function swapLogger(): SwapLogger {
  let target: Logger = nopLogger;
  const kitLog: Logger = (fields) => target(fields);
  return Object.assign(kitLog, { swap: (log: Logger = nopLogger) => void (target = log) });
}
