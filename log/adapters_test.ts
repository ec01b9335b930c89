import assert from "node:assert/strict";
import {
  duration,
  level,
  leveled,
  LEVELS,
  type Logger,
  toPino,
  toStdLog,
  toWinston,
  withFields,
} from "@kit/log";

type Call = [method: string, ...args: unknown[]];

function recorder() {
  const calls: Call[] = [];
  const record = (method: string) => (...args: unknown[]) => void calls.push([method, ...args]);
  const target = {
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
    log: (entry: object) => void calls.push(["log", entry]),
  };
  return { calls, target };
}

class Account {
  toString(): string {
    return "account 7";
  }
}

// LO3
Deno.test("toPino() maps level, message and fields", () => {
  const { calls, target } = recorder();
  const log = withFields(toPino(target), { service: "s" });
  for (const name of ["debug", "info", "warn", "error"] as const) level[name](log)({ msg: name });
  log({ n: 1, took: duration(1500), who: new Account(), big: 1n, none: undefined });
  assert.deepEqual(calls, [
    ["debug", { service: "s" }, "debug"],
    ["info", { service: "s" }, "info"],
    ["warn", { service: "s" }, "warn"],
    ["error", { service: "s" }, "error"],
    [
      "info",
      { service: "s", n: 1, took: "1.5s", who: "account 7", big: "1", none: null },
      undefined,
    ],
  ]);
});

Deno.test("toPino() hands the error called err on as it is, others as text", () => {
  const { calls, target } = recorder();
  const err = new Error("down");
  toPino(target)({ err, other: new Error("slow") });
  assert.deepEqual(calls, [["info", { err, other: "slow" }, undefined]]);
  assert.equal((calls[0]![1] as { err: unknown }).err, err);
});

// LO3
Deno.test("toWinston() makes an entry of level, message and fields", () => {
  const { calls, target } = recorder();
  const log = toWinston(target);
  leveled(log).error({ msg: "down", err: new Error("refused"), who: new Account() });
  log({ msg: 5, message: "mine" });
  assert.deepEqual(calls, [
    ["log", { level: "error", message: "down", err: "refused", who: "account 7" }],
    ["log", { level: "info", message: "", msg: 5 }],
  ]);
});

Deno.test("toStdLog() writes logfmt at the level", () => {
  const { calls, target } = recorder();
  const log = toStdLog(target);
  leveled(log).warn({ msg: "slow disk", took: duration(1) });
  log({ other: LEVELS.error, a: 1 });
  assert.deepEqual(calls, [
    ["warn", 'msg="slow disk" took=1ms', { msg: "slow disk", took: "1ms" }],
    ["error", "a=1", { a: 1 }],
  ]);
});

const ADAPTERS: readonly [string, (target: ReturnType<typeof recorder>["target"]) => Logger][] = [
  ["toPino", toPino],
  ["toWinston", toWinston],
  ["toStdLog", toStdLog],
];

for (const [name, adapter] of ADAPTERS) {
  Deno.test(`${name}() keeps what fails from the caller`, () => {
    const { calls, target } = recorder();
    const fail = () => {
      throw new Error("boom");
    };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    adapter(target)({ a: { toString: fail }, b: revoked.proxy });
    assert.match(JSON.stringify(calls), /PANIC in toString method: boom/);
    adapter({ debug: fail, info: fail, warn: fail, error: fail, log: fail })({ a: 1 });
    adapter(target)(Object.defineProperty({}, "a", { get: fail, enumerable: true }));
  });
}
