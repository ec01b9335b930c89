/**
 * A sink that keeps its lines, for tests.
 * @module
 */
import type { Sink } from "./sink.ts";

/** A sink that keeps its lines. */
export interface MemorySink extends Sink {
  /** The lines so far, in order. */
  readonly lines: readonly string[];
}

/**
 * Gives a sink that keeps its lines, for tests. It grows without bound.
 * @returns The sink.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * logfmt(sink)({ n: 1 });
 * assert.deepEqual(sink.lines, ["n=1"]);
 * ```
 */
export function memorySink(): MemorySink {
  const lines: string[] = [];
  return Object.assign((line: string) => void lines.push(line), { lines });
}
