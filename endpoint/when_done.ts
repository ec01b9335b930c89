/**
 * Tells when a call is over, be its response a value or a stream.
 * @module
 */

/**
 * What is called when a call is over: with `undefined` and the response when it went well, with the
 * error when it failed. It must not throw: what it throws takes the place of the outcome.
 * @typeParam Res The response.
 */
export type Done<Res> = (error: unknown, response: Res | undefined) => void;

/**
 * Calls back once when a call is over: when it rejects, when it resolves to a value, or, if it
 * resolves to an `AsyncIterable`, when the iteration of that ends, fails or is given up.
 *
 * Every middleware that measures (logging, metrics, tracing, bulkhead) uses it, so that a streamed
 * response counts until its last item. Whoever gets a streamed response must iterate it or call
 * `return` on an iterator of it, or the call is never over.
 * @typeParam Res The response.
 * @param call The call.
 * @param done What to call.
 * @returns The same outcome; a streamed response is replaced by one that sees its end. That has the
 * methods of a generator if the response had, and else can be iterated only: a `ReadableStream` comes
 * back as a plain `AsyncIterable`. Iterated twice, it is over when one iteration first ends.
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
      if (isStream(response)) return watch(response, done as Done<unknown>) as Res;
      done(undefined, response);
      return response;
    },
    (error) => {
      done(error ?? new Error(NO_ERROR), undefined);
      throw error;
    },
  );
}

const NO_ERROR = "Call failed without an error";

function isStream(response: unknown): response is AsyncIterable<unknown> {
  return typeof response === "object" && response !== null && Symbol.asyncIterator in response;
}

function watch(source: AsyncIterable<unknown>, done: Done<unknown>): AsyncIterable<unknown> {
  let isDone = false;
  const finish = (error: unknown): void => {
    if (isDone) return;
    isDone = true;
    done(error, error === undefined ? source : undefined);
  };
  // A generator is an iterator already, and whoever got one may call its methods.
  if (isIterator(source)) return new WatchedIterator(source, finish);
  return {
    [Symbol.asyncIterator]() {
      try {
        return new WatchedIterator(source[Symbol.asyncIterator](), finish);
      } catch (error) {
        finish(error ?? new Error(NO_ERROR));
        throw error;
      }
    },
  };
}

function isIterator(source: object): source is AsyncIterator<unknown> {
  return "next" in source && typeof source.next === "function";
}

class WatchedIterator implements AsyncGenerator<unknown> {
  readonly #source: AsyncIterator<unknown>;
  readonly #finish: (error: unknown) => void;

  constructor(source: AsyncIterator<unknown>, finish: (error: unknown) => void) {
    this.#source = source;
    this.#finish = finish;
  }

  next(...args: [] | [unknown]): Promise<IteratorResult<unknown>> {
    return this.#watch(() => this.#source.next(...args));
  }

  async return(value: unknown): Promise<IteratorResult<unknown>> {
    // The source is told at once, since a `next` may follow before it answers.
    const result = await this.#watch(() =>
      this.#source.return?.(value) ?? Promise.resolve({ done: true, value })
    );
    // The consumer has given up, even if the source yields once more on its way out.
    this.#finish(undefined);
    return result;
  }

  throw(error: unknown): Promise<IteratorResult<unknown>> {
    return this.#watch(async () => {
      if (this.#source.throw !== undefined) return await this.#source.throw(error);
      await this.#source.return?.();
      throw error;
    });
  }

  async #watch(step: () => Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
    try {
      const result = await step();
      if (result.done) this.#finish(undefined);
      return result;
    } catch (error) {
      this.#finish(error ?? new Error(NO_ERROR));
      throw error;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return(undefined);
  }
}
