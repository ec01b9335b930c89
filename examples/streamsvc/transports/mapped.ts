/**
 * Streams of one type as streams of another.
 * @module
 */

/**
 * Changes each item of a stream when it is asked for. Giving the result up gives the stream up, even
 * before the first item is asked for: a generator would not have begun, and would not pass that on.
 */
export function mapped<T, U>(stream: AsyncIterable<T>, change: (item: T) => U): AsyncIterable<U> {
  return {
    [Symbol.asyncIterator]() {
      const source = stream[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await source.next();
          if (result.done) return result;
          try {
            return { done: false, value: change(result.value) };
          } catch (error) {
            await source.return?.();
            throw error;
          }
        },
        async return() {
          await source.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
