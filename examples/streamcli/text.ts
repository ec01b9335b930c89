/**
 * What is typed, and what is printed.
 * @module
 */
import type { Order } from "../streamsvc/service.ts";

/** Writes an amount of cents. */
export function money(cents: number): string {
  return (cents / 100).toFixed(2);
}

/** Reads orders, `<symbol> <units>` a line; blank lines are passed over. */
export async function* orders(text: AsyncIterable<string>): AsyncGenerator<Order, void> {
  let rest = "";
  for await (const piece of text) {
    const lines = `${rest}${piece}`.split("\n");
    rest = lines.pop()!;
    yield* parsed(lines);
  }
  yield* parsed([rest]);
}

function* parsed(lines: readonly string[]): Iterable<Order> {
  for (const line of lines) {
    if (line.trim() === "") continue;
    const [, symbol, units] = /^\s*(\S+)\s+([+-]?\d{1,9})\s*$/.exec(line) ?? [];
    if (symbol === undefined) throw new Error(`invalid order ${JSON.stringify(line)}`);
    yield { symbol, units: Number(units) };
  }
}
