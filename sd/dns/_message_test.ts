import assert from "node:assert/strict";
import * as fc from "fast-check";
import { decodeAnswer, encodeQuery } from "./_message.ts";
import { answer, srv } from "./_server_testing.ts";

const query = (name: string) => encodeQuery(name, "SRV", { id: 0x1234, takesLargeUdp: true });

Deno.test("encodeQuery() writes what RFC 1035 and 6891 say", () => {
  const hex = Array.from(query("a.bc."), (byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(hex, "123401000001000000000001" + "01610262630000210001" + "00002904d0000000000000");
});

for (const name of ["", ".", "a..b", "a".repeat(64), "ä.de", "a b", `${"a.".repeat(127)}bc`]) {
  Deno.test(`encodeQuery() refuses "${name.slice(0, 20)}"`, () => {
    assert.throws(() => query(name), TypeError);
  });
}

Deno.test("decodeAnswer() follows pointers back", () => {
  const [type, data] = srv(1, 2, 3, "host");
  const records = [[type, [...data.slice(0, -1), 0xc0, 12]]] as const;
  assert.equal(decodeAnswer(answer(query("a.bc"), { records })).services[0]?.target, "host.a.bc");
});

const BROKEN: Record<string, readonly number[]> = {
  "points at itself": [0, 0, 0, 0, 0, 80, 0xc0, 40],
  "points forward": [0, 0, 0, 0, 0, 80, 0xc0, 60],
  "has a dot in a label": [0, 0, 0, 0, 0, 80, 3, 97, 46, 98, 0],
  "has a line break in a label": [0, 0, 0, 0, 0, 80, 1, 10, 0],
  "has a label of a reserved kind": [0, 0, 0, 0, 0, 80, 0x40, 0],
};
for (const [what, data] of Object.entries(BROKEN)) {
  Deno.test(`decodeAnswer() refuses a name that ${what}`, () => {
    assert.throws(() => decodeAnswer(answer(query("a.bc"), { records: [[33, data]] })), RangeError);
  });
}

Deno.test("decodeAnswer() refuses names that point at each other", () => {
  // The data of the first record begins at 34.
  const records = [[99, [0xc0, 36, 0xc0, 34]], [33, [0, 0, 0, 0, 0, 80, 0xc0, 36]]] as const;
  assert.throws(() => decodeAnswer(answer(query("a.bc"), { records })), /points forward/);
});

Deno.test("decodeAnswer() refuses a record that is cut off, also of a type that it skips", () => {
  const message = answer(query("a.bc"), { records: [[16, [1, 2, 3]]] });
  assert.throws(() => decodeAnswer(message.subarray(0, -1)), RangeError);
});

Deno.test("decodeAnswer() takes any bytes without hanging, or refuses them", () => {
  const records = [srv(1, 2, 3, "host.example"), srv(4, 5, 6, "other.example")];
  const good = answer(query("a.bc"), { records });
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(99), (all, cut) => {
      const bytes = good.slice(0, good.length - (cut < 50 ? cut : 0));
      for (const [at, value] of all) bytes[at] = value;
      try {
        decodeAnswer(bytes);
      } catch (error) {
        assert(error instanceof RangeError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
