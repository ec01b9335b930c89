import assert from "node:assert/strict";
import { mapped } from "./mapped.ts";

/** A stream that tells whether it was given up. */
function numbers(): AsyncIterable<number> & { readonly isGivenUp: boolean } {
  let n = 0;
  const stream = {
    isGivenUp: false,
    next: (): Promise<IteratorResult<number>> =>
      Promise.resolve(n === 3 ? { done: true, value: undefined } : { done: false, value: n++ }),
    return() {
      stream.isGivenUp = true;
      return Promise.resolve({ done: true as const, value: undefined });
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return stream;
}

Deno.test("mapped() changes each item", async () => {
  assert.deepEqual(await Array.fromAsync(mapped(numbers(), (n) => 2 * n)), [0, 2, 4]);
});

Deno.test("mapped() gives up its source, though nothing was read", async () => {
  const source = numbers();
  await mapped(source, (n) => n)[Symbol.asyncIterator]().return!();
  assert(source.isGivenUp);
});

Deno.test("mapped() gives up its source when an item cannot be changed", async () => {
  const source = numbers();
  const changed = mapped(source, () => {
    throw new RangeError("no");
  });
  await assert.rejects(Array.fromAsync(changed), RangeError);
  assert(source.isGivenUp);
});
