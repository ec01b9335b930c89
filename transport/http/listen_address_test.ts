import assert from "node:assert/strict";
import { parseListenAddress } from "./listen_address.ts";

const good: [string, string, number][] = [
  [":8080", "0.0.0.0", 8080],
  [":0", "0.0.0.0", 0],
  [":65535", "0.0.0.0", 65535],
  ["localhost:80", "localhost", 80],
  ["127.0.0.1:08080", "127.0.0.1", 8080],
  ["[::]:80", "::", 80],
  ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
];
for (const [text, hostname, port] of good) {
  Deno.test(`parseListenAddress() reads ${text}`, () => {
    assert.deepEqual(parseListenAddress(text), { hostname, port });
  });
}

const bad = [
  "",
  "8080",
  ":",
  "localhost",
  "localhost:",
  ":65536",
  ":-1",
  ":1.5",
  ":8080 ",
  "a b:1",
  "::1:80",
  "[::1]",
  "http://localhost:80",
  "localhost:80/",
  ":http",
  ":123456",
  "[]:80",
  ":80\n",
];
for (const text of bad) {
  Deno.test(`parseListenAddress() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseListenAddress(text), {
      name: "TypeError",
      message:
        `Cannot listen as the address must be ":port" or "host:port": current value is "${text}"`,
    });
  });
}

// P20
Deno.test("parseListenAddress() stays fast on hostile text", () => {
  for (const unit of ["a", "[", ":", "1:", "[a"]) {
    const begunAt = performance.now();
    assert.throws(() => parseListenAddress(unit.repeat(50_000)), TypeError);
    assert(performance.now() - begunAt < 50);
  }
});
