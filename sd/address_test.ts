import assert from "node:assert/strict";
import fc from "fast-check";
import { joinAddress, parseAddress } from "./address.ts";

for (
  const [address, host, port] of [
    ["localhost:8080", "localhost", 8080],
    ["10.0.0.10:9000", "10.0.0.10", 9000],
    ["my_service.ns.svc.cluster.local:1", "my_service.ns.svc.cluster.local", 1],
    ["host.example.:65535", "host.example.", 65535],
    ["[::1]:80", "::1", 80],
    ["[2001:db8::1]:443", "2001:db8::1", 443],
    ["[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
    ["http://localhost:8001", "localhost", 8001],
    ["https://api.example/v1", "api.example", 443],
    ["http://[::1]:80/x", "::1", 80],
    ["nats://broker:4222", "broker", 4222],
  ] as const
) {
  Deno.test(`parseAddress() takes "${address}" apart`, () => { // A22
    const parsed = parseAddress(address);
    assert.equal(parsed.host, host);
    assert.equal(parsed.port, port);
    assert.equal(parsed.url, address.includes("://") ? address : undefined);
  });
}

for (
  const address of [
    "",
    ":8080",
    "localhost",
    "localhost:",
    "localhost:0", // R7, #892
    "localhost:00",
    "localhost:65536",
    "localhost:99999999999999999999",
    "localhost:-1",
    "localhost:80 ",
    " localhost:80",
    "local host:80",
    "host:80/path",
    "host:http",
    "user@host:80",
    "a:80,b:80",
    "a:80\n",
    "::1:80",
    "[::1]",
    "[::1]:0",
    "[:::1]:80",
    "[1.2.3.4]:80",
    "http://",
    "http://host:0",
    "http://host:65536",
    "http://[::1",
    "nats://broker",
    "unix:///run/service",
    "<html>",
  ]
) {
  Deno.test(`parseAddress() refuses "${address}"`, () => { // DN3, CO5
    assert.throws(() => parseAddress(address), TypeError);
  });
}

Deno.test("parseAddress() keeps a password out of its error", () => { // P19
  for (const address of ["http://ada:hunter2@host:80", "x://ada:hunter2@host:0/@y"]) {
    assert.throws(
      () => parseAddress(address),
      ({ message }: Error) => message.includes("//***@") && !message.includes("hunter2"),
    );
  }
});

Deno.test("joinAddress() makes what parseAddress() takes apart", () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  fc.assert(fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
    assert.deepEqual(parseAddress(joinAddress(host, port)), { host, port });
  }));
});

Deno.test("joinAddress() refuses what would be no address", () => {
  assert.throws(() => joinAddress("a b", 80), TypeError);
  assert.throws(() => joinAddress("a", 0), TypeError);
});
