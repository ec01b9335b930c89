import assert from "node:assert/strict";
import fc from "fast-check";
import { checkHeaderName, formatRemaining, parseDeadline } from "./_deadline.ts";

// P4
Deno.test("formatRemaining() writes what parseDeadline() reads, and never more than is left", () => {
  fc.assert(fc.property(fc.double({ min: -10, max: 1e12, noNaN: true }), (ms) => {
    const text = formatRemaining(ms);
    assert.match(text, /^[1-9]\d{0,9}$/);
    assert(Number(text) <= Math.max(1, ms));
    const before = Date.now();
    assert(parseDeadline("x", text) >= before - 10);
  }));
  assert.equal(formatRemaining(Infinity), "9999999999");
  assert.equal(formatRemaining(0.4), "1");
});

Deno.test("parseDeadline() refuses zero as late and garbage as invalid", () => {
  assert.throws(() => parseDeadline("x", "0"), { code: "deadline_exceeded" });
  assert.throws(() => parseDeadline("x", "0000"), { code: "deadline_exceeded" });
  for (const text of ["", " ", "1 ", "+1", "1.0", "1e2", "NaN", "00000000001", "1\n2"]) {
    assert.throws(() => parseDeadline("x", text), { code: "invalid_argument" });
  }
});

Deno.test("checkHeaderName() refuses what is no name", () => {
  for (const name of [false, "x-a"] as const) checkHeaderName(name);
  for (const name of ["", "a b", "a\r\nb", "ä"]) {
    assert.throws(() => checkHeaderName(name), TypeError);
  }
});
