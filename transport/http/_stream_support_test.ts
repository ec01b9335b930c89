/**
 * What the tests of streams share. Named as a test, so that it is not published.
 * @module
 */
import { delay } from "@kit/endpoint";

/** Waits until `check` does not say false. */
export async function eventually(check: () => unknown, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (await check() === false) {
    if (performance.now() > end) throw new Error(`Not so within ${withinMs} ms: ${check}`);
    await delay(5);
  }
}

/** Gathers the items of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Counts. */
export async function* upTo(to: number): AsyncGenerator<number> {
  for (let n = 1; n <= to; n++) yield n;
}
