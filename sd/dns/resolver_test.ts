import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { answer, srv, TestServer } from "./_server_testing.ts";
import { dnsResolver } from "./resolver.ts";

const { signal } = new AbortController();
const NAME = "_http._tcp.example.com";

Deno.test("dnsResolver() tells SRV records, in lower case and without the dot", async () => { // D9
  await using server = await TestServer.start((query) =>
    answer(query, { records: [srv(1, 2, 8080, "A.Example.COM."), srv(3, 0, 0, ".")] })
  );
  assert.deepEqual(await dnsResolver({ server: server.address }).services(NAME, signal), [
    { priority: 1, weight: 2, port: 8080, target: "a.example.com" },
    { priority: 3, weight: 0, port: 0, target: "" },
  ]);
});

Deno.test("dnsResolver() tells addresses, past an alias", async () => {
  const alias = [5, [1, 97, 0xc0, 12]] as const;
  await using server = await TestServer.start((query) =>
    query.at(-14) === 28 // The type, before the class and what asks for long answers.
      ? answer(query, { records: [alias, [28, [0xfd, ...Array(14).fill(0), 1]]] })
      : answer(query, { records: [alias, [1, [10, 0, 0, 1]], [1, [10, 0, 0, 2]]] })
  );
  const resolver = dnsResolver({ server: server.address });
  assert.deepEqual(await resolver.addresses("a.test.", 4, signal), ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(await resolver.addresses("a.test", 6, signal), ["fd00::1"]);
});

for (const [rcode, name] of [[0, "an empty answer"], [3, "NXDOMAIN"]] as const) {
  Deno.test(`dnsResolver() tells nothing at ${name}`, async () => { // D9
    await using server = await TestServer.start((query) => answer(query, { rcode }));
    assert.deepEqual(await dnsResolver({ server: server.address }).services(NAME, signal), []);
  });
}

for (const [rcode, name] of [[2, "SERVFAIL"], [5, "REFUSED"], [9, "code 9"]] as const) {
  Deno.test(`dnsResolver() rejects at ${name}, naming the server`, async () => { // D9
    await using server = await TestServer.start((query) => answer(query, { rcode }));
    await assert.rejects(dnsResolver({ server: server.address }).services(NAME, signal), {
      code: "unavailable",
      message: `Cannot resolve "${NAME}" as ${server.address} answered ${name}`,
    });
  });
}

for (
  const [why, reply] of [["truncated", { isTruncated: true }], ["FORMERR", { rcode: 1 }]] as const
) {
  Deno.test(`dnsResolver() asks over TCP what is ${why} over UDP`, async () => { // D9
    const records = Array.from({ length: 120 }, (_, i) => srv(1, 1, 8000 + i, `host${i}.test`));
    await using server = await TestServer.start((query, via) =>
      answer(query, via === "udp" ? reply : { records })
    );
    const found = await dnsResolver({ server: server.address }).services(NAME, signal);
    assert.equal(found.length, 120);
    assert.deepEqual(server.queries.map(({ via }) => via), ["udp", "tcp"]);
    assert.equal(server.queries[1]!.query[11], 0); // No extensions for one that may not know them.
  });
}

Deno.test("dnsResolver() asks over TCP only when told to", async () => {
  await using server = await TestServer.start((query) => answer(query));
  await dnsResolver({ server: server.address, protocol: "tcp" }).services(NAME, signal);
  assert.deepEqual(server.queries.map(({ via }) => via), ["tcp"]);
});

const FORGERIES: Record<string, (message: Uint8Array) => void> = {
  id: (message) => message[1]! ^= 1,
  question: (message) => message[13]! ^= 1,
  direction: (message) => message[2]! &= 0x7f,
};
for (const [what, forge] of Object.entries(FORGERIES)) {
  Deno.test(`dnsResolver() ignores a packet with another ${what}`, async () => {
    let sent = 0;
    await using server = await TestServer.start((query) => {
      const message = answer(query, { records: [srv(1, 1, 80, sent === 0 ? "bad" : "good")] });
      if (sent++ === 0) forge(message);
      return message;
    });
    const [found] = await dnsResolver({ server: server.address }).services(NAME, signal);
    assert.equal(found?.target, "good");
    assert.equal(sent, 2); // It was asked again, as if the first packet had been lost.
  });
}

Deno.test("dnsResolver() ignores a packet from elsewhere", async () => {
  const records = (target: string) => ({ records: [srv(1, 1, 80, target)] });
  const other = createSocket("udp4");
  let asked = 0;
  await using server = await TestServer.start((query, _, port) => {
    if (asked++ > 0) return answer(query, records("good"));
    other.send(answer(query, records("bad")), port, "127.0.0.1");
  });
  const [found] = await dnsResolver({ server: server.address }).services(NAME, signal);
  assert.equal(found?.target, "good");
  await new Promise<void>((resolve) => other.close(() => resolve()));
});

Deno.test("dnsResolver() takes an answer whose question is in other letters", async () => {
  await using server = await TestServer.start((query) => {
    const message = answer(query, { records: [srv(1, 1, 80, "a.test")] });
    message[14]! ^= 0x20;
    return message;
  });
  const found = await dnsResolver({ server: server.address }).services(NAME, signal);
  assert.equal(found.length, 1);
});

Deno.test("dnsResolver() asks the next server when one fails or is silent", async () => {
  await using sick = await TestServer.start((query) => answer(query, { rcode: 2 }));
  await using silent = await TestServer.start(() => undefined);
  await using well = await TestServer.start((query) =>
    answer(query, { records: [srv(1, 1, 80, "a.test")] })
  );
  const server = [sick.address, silent.address, well.address];
  const resolver = dnsResolver({ server, nextServerMs: 20 });
  assert.equal((await resolver.services(NAME, signal)).length, 1);
  assert.equal(silent.queries.length, 1);
});

Deno.test("dnsResolver() gives up when the signal says so", async () => {
  await using server = await TestServer.start(() => undefined);
  const controller = new AbortController();
  const asked = dnsResolver({ server: server.address }).services(NAME, controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(asked, reason);
  await assert.rejects(
    dnsResolver({ server: server.address }).services(NAME, controller.signal),
    reason,
  );
});

for (const protocol of ["udp", "tcp"] as const) {
  Deno.test(`dnsResolver() rejects when what comes over ${protocol} is cut off`, async () => { // D4's kin
    await using server = await TestServer.start((query) => {
      const message = answer(query, { records: [srv(1, 1, 80, "a.test")] });
      return message.subarray(0, message.length - 3);
    });
    await assert.rejects(dnsResolver({ server: server.address, protocol }).services(NAME, signal), {
      code: "unavailable",
    });
  });
}

Deno.test("dnsResolver() rejects when the server hangs up", async () => {
  await using server = await TestServer.start(() => undefined);
  const resolver = dnsResolver({ server: server.address, protocol: "tcp" });
  await assert.rejects(resolver.services(NAME, signal), { code: "unavailable" });
});

Deno.test("dnsResolver() refuses a server that is no address", () => {
  assert.throws(() => dnsResolver({ server: "10.0.0.1" }), TypeError);
});
