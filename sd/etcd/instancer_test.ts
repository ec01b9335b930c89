import { FakeClock, settled } from "@kit/endpoint/testing";
import type { DiscoveryEvent } from "@kit/sd";
import { etcdInstancer, type EtcdInstancerOptions } from "@kit/sd/etcd";
import assert from "node:assert/strict";
import {
  type Asked,
  fakeEtcd,
  FakeWatch,
  header,
  kv,
  listed,
  type Reply,
} from "./_fake_testing.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";

async function many(times = 20): Promise<void> {
  for (let i = 0; i < times; i++) await settled();
}

/** An instancer of `/s/` over a scripted etcd. */
function follow(
  reply: (asked: Asked, count: number) => Reply | Promise<Reply>,
  options: EtcdInstancerOptions = {},
) {
  const clock = new FakeClock();
  const etcd = fakeEtcd(reply);
  const states: string[] = [];
  const malformed: string[] = [];
  const instancer = etcdInstancer("/s/", {
    endpoints: "http://etcd:2379",
    clock,
    random: () => 0.5,
    fetch: etcd.fetch,
    onStatus: ({ state }) => states.push(state),
    onMalformed: ({ message }) => malformed.push(message),
    ...options,
  });
  const events: DiscoveryEvent[] = [];
  instancer.subscribe((event) => events.push(event));
  const told = () =>
    events.map((event) =>
      event.instances?.map(({ address }) => address).join() ?? event.error?.message
    );
  const dispose = () => instancer[Symbol.asyncDispose]();
  return {
    clock,
    etcd,
    instancer,
    states,
    malformed,
    told,
    events,
    [Symbol.asyncDispose]: dispose,
  };
}

Deno.test("etcdInstancer() asks for a range and then for what comes after it", async () => {
  const watch = new FakeWatch(7);
  await using etcd = follow(({ path }) =>
    path === "watch" ? watch.response : listed(7, { "/s/a": A })
  );
  await many();
  const [list, follows] = etcd.etcd.asked;
  assert.deepEqual(list!.body, { key: btoa("/s/"), range_end: btoa("/s0") });
  assert.equal(list!.url, "http://etcd:2379/v3/kv/range");
  assert.equal(list!.redirect, "manual"); // P19
  assert.equal(list!.headers.get("grpc-metadata-hasleader"), "true");
  assert.deepEqual(follows!.body, { create_request: { ...list!.body, start_revision: "8" } });
  watch.say(
    { ...header(9), events: [{ kv: kv("/s/b", B, 8) }] },
    { ...header(9), events: [{ type: "DELETE", kv: { ...kv("/s/a", "", 9), value: undefined } }] },
  );
  await many();
  assert.deepEqual(etcd.told(), [A, B]); // What comes together is told together.
  await etcd.instancer[Symbol.asyncDispose]();
  assert(watch.isCancelled);
  assert.equal(etcd.clock.pending, 0);
  assert.equal(etcd.states.join(), "connected,closed");
});

Deno.test("etcdInstancer() takes over from its last revision when a watch is old", async () => {
  const watches: FakeWatch[] = [];
  await using etcd = follow(({ path }) => {
    if (path !== "watch") return listed(7, { "/s/a": A });
    watches.push(new FakeWatch(20));
    return watches.at(-1)!.response;
  }, { watchMs: 1000 });
  await many();
  watches[0]!.say({ ...header(15), events: [{ kv: kv("/s/b", B, 12) }] });
  await many();
  await etcd.clock.advance(1000);
  await many();
  assert(watches[0]!.isCancelled);
  assert.equal(etcd.etcd.asked.at(-1)!.body.create_request.start_revision, "13");
  assert.deepEqual(etcd.told(), [A, `${A},${B}`]);
  assert.equal(etcd.states.join(), "connected");
});

Deno.test("etcdInstancer() takes every cut up at its revision, at the next member", async () => {
  const watches: FakeWatch[] = [];
  await using etcd = follow(({ path }) => {
    if (path !== "watch") return listed(7, { "/s/a": A });
    watches.push(new FakeWatch(20));
    return watches.at(-1)!.response;
  }, { endpoints: "http://one:1,http://two:1", random: () => 0, watchMs: 1000 });
  const cut = async () => {
    watches.at(-1)!.end();
    await many();
    await etcd.clock.advance(120);
    await many();
  };
  await many();
  watches[0]!.say({ ...header(15), events: [{ kv: kv("/s/b", B, 12) }] });
  await many();
  await cut();
  assert.equal(etcd.instancer.status.state, "connected");
  await etcd.clock.advance(1200); // A watch that lasts makes up for it.
  await many();
  await cut();
  const follows = etcd.etcd.asked.slice(1).map(({ url, body }) =>
    `${new URL(url).hostname} ${body.create_request?.start_revision}`
  );
  assert.deepEqual(follows, ["one 8", "two 13", "two 13", "one 13"]);
  assert.equal(etcd.states.join(), "connected,disconnected,connected,disconnected,connected");
  assert.equal(etcd.told().at(-1), `${A},${B}`);
});

const hundredMegabytes = () => {
  const chunk = new Uint8Array(1 << 20).fill(32);
  let left = 100;
  return new Response(
    new ReadableStream({
      pull: (controller) => left-- > 0 ? controller.enqueue(chunk) : controller.close(),
    }, { highWaterMark: 0 }),
  );
};
const FAULTS: Readonly<Record<string, [make: () => Reply, error: RegExp]>> = {
  "HTML": [() => new Response("<html>login</html>"), /its answer is no JSON$/],
  "100 MB": [hundredMegabytes, /its answer is too long$/],
  "nothing": [() => new Response(""), /its answer is no JSON$/],
  "a list": [() => new Response("[]"), /its answer is no JSON$/],
  "an empty object": [() => ({}), /it has no revision$/],
  "502 with HTML": [() => new Response("<html>", { status: 502 }), /with HTTP status 502$/],
  "a redirect": [
    () => new Response(null, { status: 302, headers: { location: "http://other/" } }),
    /with HTTP status 302$/,
  ],
  "404 without a gateway": [() => new Response("no", { status: 404 }), /with HTTP status 404$/],
  "a refusal": [
    () =>
      Response.json({ error: "x", message: "etcdserver: no leader", code: 14 }, { status: 503 }),
    /it says "etcdserver: no leader"$/,
  ],
  "a refusal in a stream": [
    () => ({ error: { grpc_code: 14, http_code: 503, message: "etcdserver: no leader" } }),
    /it says "etcdserver: no leader"$/,
  ],
};
for (const [what, [fault, message]] of Object.entries(FAULTS)) {
  Deno.test(`etcdInstancer() tells once and keeps its set when it gets ${what}`, async () => { // P9, D4
    let isBroken = false;
    let watch = new FakeWatch(7);
    const reply = ({ path }: Asked) => {
      if (isBroken) return fault();
      if (path !== "watch") return listed(7, { "/s/a": A });
      watch = new FakeWatch(7);
      return watch.response;
    };
    await using etcd = follow(reply);
    await many();
    isBroken = true;
    watch.end();
    await many();
    for (let i = 0; i < 3; i++) {
      await etcd.clock.advance(20_000);
      await many(200);
    }
    assert(etcd.etcd.asked.length >= 5);
    const errors = new Set(etcd.told().slice(1));
    errors.delete(`Cannot use etcd at "http://etcd:2379" as it ended the watch`);
    assert.deepEqual(etcd.events.filter(({ instances }) => instances).length, 1);
    assert.match([...errors].at(-1)!, message);
    assert.equal(etcd.told().length, new Set(etcd.told()).size, etcd.told().join("; "));
    assert.equal(etcd.events.at(-1)!.source, "etcd://etcd:2379/s/");
    isBroken = false;
    await etcd.clock.advance(20_000);
    await many();
    assert.equal(etcd.told().at(-1), A);
    assert.equal(etcd.states.join(), "connected,disconnected,connected");
  });
}

Deno.test("etcdInstancer() backs off while etcd is away", async () => { // P9, D1
  let random = 0;
  await using etcd = follow(() => Promise.reject(new TypeError("refused")), {
    random: () => (random = (random + 0.37) % 1),
  });
  for (let second = 0; second < 60; second++) await etcd.clock.advance(1000);
  assert(etcd.etcd.asked.length <= 20, `${etcd.etcd.asked.length}`);
  for (let second = 0; second < 60; second++) await etcd.clock.advance(1000);
  const before = etcd.etcd.asked.length;
  assert(before >= 10);
  for (let second = 0; second < 60; second++) await etcd.clock.advance(1000);
  assert(etcd.etcd.asked.length - before <= 5, `${etcd.etcd.asked.length - before}`);
  assert.deepEqual(etcd.told(), [`Cannot use etcd at "http://etcd:2379" as it cannot be reached`]);
});

Deno.test("etcdInstancer() lists again when the server knows less than it did", async () => { // P9
  let revision = 7;
  await using etcd = follow(
    ({ path }) =>
      path === "watch"
        ? new FakeWatch(revision).response
        : listed(revision, revision === 7 ? { "/s/a": A } : { "/s/b": B }),
    { watchMs: 1000 },
  );
  await many();
  revision = 3;
  await etcd.clock.advance(1000);
  await many();
  assert.deepEqual(etcd.etcd.paths(), ["kv/range", "watch", "watch", "kv/range", "watch"]);
  assert.deepEqual(etcd.told(), [A, B]);
  assert.equal(etcd.states.join(), "connected");
});

Deno.test("etcdInstancer() pauses when its list is outdated at once, over and over", async () => {
  await using etcd = follow(({ path }) => {
    if (path !== "watch") return listed(7, { "/s/a": A });
    const watch = new FakeWatch(9);
    watch.say({ canceled: true, compact_revision: "9" });
    return watch.response;
  });
  await many(100);
  assert.equal(etcd.etcd.asked.length, 2);
  assert.match(etcd.told().at(-1)!, /outdated at once$/);
});

Deno.test("etcdInstancer() lists again when a message is too long", async () => { // D4
  let isLong = true;
  await using etcd = follow(({ path }) => {
    if (path !== "watch") return listed(isLong ? 7 : 8, isLong ? { "/s/a": A } : { "/s/b": B });
    const watch = new FakeWatch(8);
    if (isLong) watch.raw("x".repeat(33 * 1024 * 1024));
    return watch.response;
  });
  await many();
  await etcd.clock.advance(150);
  await many();
  isLong = false;
  await etcd.clock.advance(1000);
  await many();
  assert.deepEqual(etcd.etcd.paths().slice(2), ["watch", "kv/range", "watch"]);
  assert.equal(etcd.told().at(-1), B);
});

Deno.test("etcdInstancer() tells of a malformed value once and follows the others", async () => {
  const secret = "x".repeat(1000);
  const watches = [new FakeWatch(7), new FakeWatch(9), new FakeWatch(9)];
  const [watch, compacted] = watches as [FakeWatch, FakeWatch];
  await using etcd = follow(({ path }, count) => {
    if (path === "watch") return watches.shift()!.response;
    return listed(count === 1 ? 7 : 9, { "/s/a": A, "/s/bad": "no address", "/s/json": `{"a` });
  }, { watchMs: 1000 });
  await many();
  assert.equal(etcd.malformed.length, 2);
  assert.match(etcd.malformed[0]!, /^Cannot use value of "\/s\/bad" in etcd:\/\/etcd:2379\/s\/: /);
  watch.say({ ...header(8), events: [{ kv: kv("/s/a", secret, 8) }, { kv: kv("/s/b", B, 8) }] });
  await many();
  assert.deepEqual(etcd.told(), [A, `${A},${B}`]); // What "/s/a" held last still counts.
  assert.equal(etcd.malformed.length, 3);
  assert(etcd.malformed[2]!.length < 300);
  compacted.say({ canceled: true, compact_revision: "9" });
  await etcd.clock.advance(1000);
  await many();
  assert.equal(etcd.etcd.asked.length, 5); // The list was made again.
  assert.equal(etcd.malformed.length, 3);
  assert.equal(etcd.states.join(), "connected");
});

Deno.test("etcdInstancer() reads values as it is told to", async () => {
  await using etcd = follow(
    ({ path }) => path === "watch" ? new FakeWatch(7).response : listed(7, { "/s/a": "1" }),
    { decode: (value) => ({ address: `10.0.0.${value}:80` }) },
  );
  await many();
  assert.deepEqual(etcd.told(), [A]);
});

Deno.test("etcdInstancer() asks the next member when one fails, and stays with it", async () => { // E31
  await using etcd = follow(({ url, path }) => {
    if (url.includes("one")) throw new TypeError("refused");
    if (url.includes("two")) return new Response("<html>");
    return path === "watch" ? new FakeWatch(7).response : listed(7, { "/s/a": A });
  }, { endpoints: "https://one:2379/, two:2379,http://three:2379/etcd", random: () => 0 });
  await many();
  assert.deepEqual(etcd.etcd.asked.map(({ url }) => url), [
    "https://one:2379/v3/kv/range",
    "http://two:2379/v3/kv/range",
    "http://three:2379/etcd/v3/kv/range",
    "http://three:2379/etcd/v3/watch",
  ]);
  assert.equal(etcd.states.join(), "connected");
});

Deno.test("etcdInstancer() names all members when none answers, always in the same words", async () => {
  await using etcd = follow(() => Promise.reject(new TypeError("refused")), {
    endpoints: ["http://one:1", "http://two:1", "http://three:1"],
  });
  await many();
  await etcd.clock.advance(120_000);
  assert(etcd.etcd.asked.length > 9);
  assert.deepEqual(etcd.told(), [
    `Cannot use etcd at "one:1,two:1,three:1" as none of its members answers`,
  ]);
});

Deno.test("etcdInstancer() logs in, and again when its token is invalid", async () => { // E31
  const valid = { token: "t1" };
  let watch = new FakeWatch(7);
  await using etcd = follow(({ path, headers, body }) => {
    if (path === "auth/authenticate") {
      assert.deepEqual(body, { name: "kit", password: "pw" });
      return { ...header(1), token: valid.token };
    }
    if (path !== "watch") return listed(7, { "/s/a": A });
    if (headers.get("authorization") === valid.token) return (watch = new FakeWatch(7)).response;
    const refusal = new FakeWatch();
    const reason = "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token";
    refusal.say({ ...header(7), created: true, canceled: true, cancel_reason: reason });
    return refusal.response;
  }, { username: "kit", password: "pw", watchMs: 1000 });
  await many();
  assert.equal(etcd.etcd.asked[1]!.headers.get("authorization"), "t1");
  valid.token = "t2";
  await etcd.clock.advance(1000);
  await many();
  assert.deepEqual(etcd.etcd.paths(), [
    ...["auth/authenticate", "kv/range", "watch"],
    ...["watch", "auth/authenticate", "watch"],
  ]);
  watch.say({ ...header(8), events: [{ kv: kv("/s/b", B, 8) }] });
  await many();
  assert.equal(etcd.told().at(-1), `${A},${B}`);
  assert.equal(etcd.states.join(), "connected");
});

Deno.test("etcdInstancer() repeats no secret that a server repeats", async () => { // S12
  await using etcd = follow(({ body }) => {
    const message = `etcdserver: wrong password "${body.password}"`;
    return Response.json({ message, code: 3 }, { status: 400 });
  }, { username: "kit", password: "c4nary" });
  await many();
  const { error } = etcd.events.at(-1)!;
  assert.equal(
    error!.message,
    `Cannot use etcd at "http://etcd:2379" as it refuses the login of "kit"`,
  );
  assert(!Deno.inspect(error, { depth: 9 }).includes("c4nary"));
});

Deno.test("etcdInstancer() gives a silent member up, also in the middle of an answer", async () => { // D6
  await using etcd = follow(() => new FakeWatch().response, { requestTimeoutMs: 500 });
  await many();
  await etcd.clock.advance(499);
  assert.deepEqual(etcd.told(), []);
  await etcd.clock.advance(1);
  await many();
  assert.deepEqual(etcd.told(), [
    `Cannot use etcd at "http://etcd:2379" as it was silent for 500 ms`,
  ]);
});

const MISUSE: Readonly<Record<string, [make: () => unknown, error: object]>> = {
  "no prefix": [() => etcdInstancer(""), { name: "TypeError" }],
  "no endpoint": [() => etcdInstancer("/s/", { endpoints: [] }), { name: "TypeError" }], // E31
  "an endpoint of another scheme": [
    () => etcdInstancer("/s/", { endpoints: "etcd://a:2379" }),
    { name: "TypeError" },
  ],
  "a password in an endpoint": [
    () => etcdInstancer("/s/", { endpoints: "http://root:c4nary@a:2379" }),
    {
      name: "TypeError",
      message: 'Cannot use "endpoints" as one is more than an address: current value is ' +
        '"http://***@a:2379"',
    },
  ],
  "no time": [() => etcdInstancer("/s/", { watchMs: 0 }), { name: "RangeError" }],
  "a negative time": [() => etcdInstancer("/s/", { requestTimeoutMs: -1 }), { name: "RangeError" }],
};
for (const [what, [make, error]] of Object.entries(MISUSE)) {
  Deno.test(`etcdInstancer() refuses ${what}`, () => assert.throws(make, error));
}
