import assert from "node:assert/strict";
import { backoffMs, checkPath, configure, mostPauseMs } from "./_config.ts";

const random = () => 0.999;

Deno.test("configure() reads servers, their ports and the chroot", () => {
  const { servers, chroot, name } = configure({
    servers: "a, b:1,[::1]:2,[::2]/apps/x",
    random,
  });
  assert.deepEqual(
    servers,
    [
      { host: "a", port: 2181 },
      { host: "b", port: 1 },
      { host: "::1", port: 2 },
      { host: "::2", port: 2181 },
    ],
  );
  assert.equal(chroot, "/apps/x");
  assert.equal(name, "a,b:1,[::1]:2,[::2]/apps/x");
  assert.deepEqual(configure({ servers: ["a:1", "b:2/c"], random }).servers.length, 2);
  assert.equal(configure({ servers: "a/" }).chroot, "");
  assert.deepEqual(configure({}).servers, [{ host: "localhost", port: 2181 }]);
});

Deno.test("configure() shuffles the servers", () => {
  const draws = [0, 0];
  const { servers } = configure({ servers: "a,b,c", random: () => draws.pop()! });
  assert.deepEqual(servers.map(({ host }) => host), ["b", "c", "a"]);
});

const digest = { scheme: "digest", username: "ada", password: "secret" } as const;

for (
  const [what, options, error] of [
    ["no server", { servers: "" }, TypeError],
    ["no server before a chroot", { servers: "/apps" }, TypeError],
    ["an IPv6 address without brackets", { servers: "::1" }, TypeError],
    ["a port of 0", { servers: "a:0" }, TypeError],
    ["a chroot with an empty part", { servers: "a/b//c" }, TypeError],
    ["a session below a second", { sessionTimeoutMs: 999 }, RangeError], // ZK1
    ["a session without end", { sessionTimeoutMs: Infinity }, RangeError],
    ["no time to connect", { connectTimeoutMs: 0 }, RangeError], // ZK1
    ["an empty user", { auth: { ...digest, username: "" } }, TypeError], // ZK1
    ["an empty password", { auth: { ...digest, password: "" } }, TypeError], // ZK1
    ["a colon in the user", { auth: { ...digest, username: "a:b" } }, TypeError],
  ] as const
) {
  Deno.test(`configure() refuses ${what}`, () => {
    assert.throws(() => configure(options), error);
  });
}

for (const path of ["services", "/", "", "/a/", "/a//b", "/a/../b", "/.", "/a\u0000"]) {
  Deno.test(`checkPath() refuses ${JSON.stringify(path)}`, () => { // ZK2
    assert.throws(() => checkPath(path), TypeError);
  });
}

Deno.test("checkPath() lets paths be", () => {
  for (const path of ["/a", "/a/b.c/..d", "/ä"]) assert.equal(checkPath(path), path);
});

Deno.test("backoffMs() doubles up to the most, within half and one and a half", () => { // P9
  const middle = [0, 1, 2, 3, 4, 5, 99].map((round) => backoffMs(round, 5000, () => 0.5));
  assert.deepEqual(middle, [200, 400, 800, 1600, 3200, 5000, 5000]);
  assert.equal(backoffMs(0, 5000, () => 0), 100);
  assert.equal(Math.round(backoffMs(9, 5000, () => 0.999)), 7495);
  assert.equal(mostPauseMs(configure({ sessionTimeoutMs: 4000 })), 2000);
  assert.equal(mostPauseMs(configure({ sessionTimeoutMs: 60_000 })), 10_000);
});
