/**
 * Sinks for the output of the process.
 * @module
 */
import { onExit, stdStream } from "./_runtime.ts";
import { type WriterSink, writerSink, type WriterSinkOptions } from "./writer_sink.ts";

function stdSink(name: "stdout" | "stderr", options: WriterSinkOptions): WriterSink {
  const stream = stdStream(name);
  if (stream === undefined) {
    throw new TypeError(`Cannot write to ${name} as this runtime has none`);
  }
  const sink = writerSink(stream, options);
  const hook = onExit(() => sink.flushSync());
  const dispose = sink[Symbol.asyncDispose];
  return Object.assign(sink, {
    [Symbol.asyncDispose]: async () => {
      await dispose();
      hook[Symbol.dispose]();
    },
  });
}

/**
 * Gives a sink that writes to the standard error of the process without ever blocking. What waits
 * when the process ends, be it by an error that nobody caught, is written then. Dispose of it at the
 * end of `main`.
 * @param options The bounds.
 * @returns The sink.
 * @throws {TypeError} If the runtime has no standard error.
 * @throws {RangeError} If a bound is not a positive integer, or a time negative.
 * @example Usage
 * ```ts
 * import { logfmt, stderrSink, timestampUTC, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * await using sink = stderrSink();
 * const log = withFields(logfmt(sink), { ts: timestampUTC });
 * log({ msg: "hello" });
 * assert.equal(sink.dropped, 0);
 * ```
 */
export function stderrSink(options: WriterSinkOptions = {}): WriterSink {
  return stdSink("stderr", options);
}

/**
 * Gives a sink that writes to the standard output of the process, as {@linkcode stderrSink} does to
 * the standard error.
 * @param options The bounds.
 * @returns The sink.
 * @throws {TypeError} If the runtime has no standard output.
 * @throws {RangeError} If a bound is not a positive integer, or a time negative.
 * @example Usage
 * ```ts
 * import { json, stdoutSink } from "@kit/log";
 * import assert from "node:assert/strict";
 * await using sink = stdoutSink();
 * json(sink)({ msg: "hello" });
 * assert.equal(sink.dropped, 0);
 * ```
 */
export function stdoutSink(options: WriterSinkOptions = {}): WriterSink {
  return stdSink("stdout", options);
}
