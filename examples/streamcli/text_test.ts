import assert from "node:assert/strict";
import { money, orders } from "./text.ts";

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  for (const text of texts) yield await Promise.resolve(text);
}

Deno.test("orders() reads lines wherever they are cut", async () => {
  const read = await Array.fromAsync(
    orders(pieces("AC", "ME 1\n\n  GLOBEX\t-2 \r\nINI", "TECH +3")),
  );
  assert.deepEqual(read, [
    { symbol: "ACME", units: 1 },
    { symbol: "GLOBEX", units: -2 },
    { symbol: "INITECH", units: 3 },
  ]);
});

for (const line of ["ACME", "ACME ten", "ACME 1 2", "ACME 1.5", "ACME 9999999999"]) {
  Deno.test(`orders() refuses "${line}"`, async () => {
    await assert.rejects(Array.fromAsync(orders(pieces(line))), {
      message: `invalid order "${line}"`,
    });
  });
}

Deno.test("money() writes cents", () => {
  assert.deepEqual([money(5), money(12_345), money(-100)], ["0.05", "123.45", "-1.00"]);
});
