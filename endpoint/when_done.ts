/**
 * Tells when a call is over, be its response a value or a stream.
 * @module
 */

/**
 * What is called when a call is over: with `undefined` and the response when it went well, with the
 * error when it failed. It must not throw.
 * @typeParam Res The response.
 */
export type Done<Res> = (error: unknown, response: Res | undefined) => void;

/**
 * Calls back once when a call is over: when it rejects, when it resolves to a value, or, if it
 * resolves to an `AsyncIterable`, when the iteration of that ends, fails or is given up.
 *
 * Every middleware that measures (logging, metrics, tracing, bulkhead) uses it, so that a streamed
 * response counts until its last item.
 * @typeParam Res The response.
 * @param call The call.
 * @param done What to call.
 * @returns The same outcome; a streamed response is wrapped so as to see its end.
 * @example Usage
 * ```ts
 * import { whenDone } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * async function* count() {
 *   yield 1;
 *   yield 2;
 * }
 * const seen: unknown[] = [];
 * const stream = await whenDone(Promise.resolve(count()), () => seen.push("done"));
 * for await (const n of stream) seen.push(n);
 * assert.deepEqual(seen, [1, 2, "done"]);
 * ```
 */
export function whenDone<Res>(call: Promise<Res>, done: Done<Res>): Promise<Res> {
  return call.then(
    (response) => {
      if (isStream(response)) return new WatchedStream(response, done as Done<unknown>) as Res;
      done(undefined, response);
      return response;
    },
    (error) => {
      done(error ?? new Error("Call rejected without an error"), undefined);
      throw error;
    },
  );
}

function isStream(response: unknown): response is AsyncIterable<unknown> {
  return typeof response === "object" && response !== null && Symbol.asyncIterator in response;
}

class WatchedStream implements AsyncIterable<unknown> {
  #done: Done<unknown> | undefined;

  constructor(readonly source: AsyncIterable<unknown>, done: Done<unknown>) {
    this.#done = done;
  }

  #finish(error: unknown): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error, error === undefined ? this.source : undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const iterator = this.source[Symbol.asyncIterator]();
    const watch = async (step: Promise<IteratorResult<unknown>>) => {
      try {
        const result = await step;
        if (result.done) this.#finish(undefined);
        return result;
      } catch (error) {
        this.#finish(error ?? new Error("Stream failed without an error"));
        throw error;
      }
    };
    return {
      next: (...args) => watch(iterator.next(...args)),
      return: (value) =>
        watch(iterator.return?.(value) ?? Promise.resolve({ done: true, value: undefined })),
      throw: (error) => watch(iterator.throw?.(error) ?? Promise.reject(error)),
    };
  }
}
