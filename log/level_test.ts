import assert from "node:assert/strict";
import {
  allow,
  type Allowed,
  injectLevel,
  isLevel,
  json,
  type Level,
  level,
  leveled,
  levelOf,
  LEVELS,
  logfmt,
  memorySink,
  nopLogger,
  parseLevel,
  withFields,
} from "@kit/log";

// LV1, LV3: the filter without an option blocks every level; nil allows none
const ALLOWED: readonly [least: Allowed, passing: string][] = [
  ["all", "debug info warn error"],
  ["debug", "debug info warn error"],
  ["info", "info warn error"],
  ["warn", "warn error"],
  ["error", "error"],
  ["none", ""],
  [LEVELS.debug, "debug info warn error"],
  [LEVELS.info, "info warn error"],
  [LEVELS.warn, "warn error"],
  [LEVELS.error, "error"],
  [undefined, ""],
];

for (const [least, passing] of ALLOWED) {
  Deno.test(`allow() lets ${passing || "nothing"} pass from ${least} on`, () => {
    const sink = memorySink();
    const log = leveled(allow(logfmt(sink), least));
    for (const name of ["debug", "info", "warn", "error"] as const) log[name]({ this_is: name });
    const expected = passing.split(" ").filter(Boolean);
    assert.deepEqual(sink.lines, expected.map((name) => `level=${name} this_is=${name}`));
  });
}

// LV1
Deno.test("level.info() puts the level first, in logfmt and in JSON", () => {
  const sink = memorySink();
  level.info(withFields(logfmt(sink), { a: 1 }))({ k: "v" });
  level.info(withFields(json(sink), { a: 1 }))({ k: "v" });
  assert.deepEqual(sink.lines, ["level=info a=1 k=v", '{"level":"info","a":1,"k":"v"}']);
});

// LV2
Deno.test("allow() lets events without a level pass unless told otherwise", () => {
  const sink = memorySink();
  allow(logfmt(sink), "none")({ n: 1 });
  allow(logfmt(sink), "all", { squelchNoLevel: true })({ n: 2 });
  allow(logfmt(sink), "error", { squelchNoLevel: true })({ n: 3, level: LEVELS.error });
  assert.deepEqual(sink.lines, ["n=1", "n=3 level=error"]);
});

Deno.test("allow() keeps the values of an event that is blocked from being worked out", () => {
  let worked = 0;
  const log = leveled(allow(withFields(nopLogger, { a: () => worked++ }), "warn"));
  log.info({});
  assert.equal(worked, 0);
  log.error({});
  assert.equal(worked, 1);
});

Deno.test("allow() refuses what is no level", () => {
  assert.throws(() => allow(nopLogger, "loud" as Allowed), RangeError);
});

// LV4: see caller_test.ts

// LV6
Deno.test("levelOf() takes the first level at any place, and no string for one", () => {
  assert.equal(levelOf({ a: 1, b: LEVELS.warn, c: LEVELS.error }), LEVELS.warn);
  assert.equal(levelOf({ level: "info", other: LEVELS.debug }), LEVELS.debug);
  assert.equal(levelOf({ level: "info" }), undefined);
  const sink = memorySink();
  allow(logfmt(sink), "error")({ level: "info" });
  assert.deepEqual(sink.lines, ["level=info"]);
});

// LV6
Deno.test("level.debug() of a logger with a level makes that its level", () => {
  const sink = memorySink();
  level.debug(level.error(allow(logfmt(sink), "warn")))({ n: 1 });
  level.error(level.debug(allow(logfmt(sink), "warn")))({ n: 2 });
  assert.deepEqual(sink.lines, ["level=error n=2"]);
});

Deno.test("isLevel() knows the levels of another copy of this package", () => {
  const other = { name: "info", severity: 9, [Symbol.for("kit.log.level")]: true };
  assert(isLevel(other));
  assert(!isLevel({ name: "info", severity: 9 }));
  assert(!isLevel(null));
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  assert(!isLevel(revoked.proxy));
});

// LV5
Deno.test("injectLevel() adds a level in front where there is none", () => {
  const sink = memorySink();
  const log = injectLevel(logfmt(sink), LEVELS.info);
  log({ foo: "bar" });
  level.error(log)({ foo: "bar" });
  log({ foo: "bar", grave: LEVELS.warn });
  log({ foo: "bar", level: "error" });
  assert.deepEqual(sink.lines, [
    "level=info foo=bar",
    "level=error foo=bar",
    "foo=bar grave=warn",
    "level=info foo=bar",
  ]);
});

// LV5
const TEXTS: readonly [text: string | undefined, expected: Level | undefined][] = [
  ["debug", LEVELS.debug],
  ["info", LEVELS.info],
  ["warn", LEVELS.warn],
  ["error", LEVELS.error],
  ["Error", LEVELS.error],
  [" \tDEBUG\n", LEVELS.debug],
  ["debugger", undefined],
  ["", undefined],
  ["toString", undefined],
  ["__proto__", undefined],
  [undefined, undefined],
];

for (const [text, expected] of TEXTS) {
  Deno.test(`parseLevel() reads ${JSON.stringify(text)} as ${expected ?? "no level"}`, () => {
    if (expected === undefined) assert.throws(() => parseLevel(text), RangeError);
    else assert.equal(parseLevel(text), expected);
    assert.equal(parseLevel(text, { fallback: LEVELS.warn }), expected ?? LEVELS.warn);
  });
}

Deno.test("parseLevel() says what it was given", () => {
  assert.throws(() => parseLevel("loud"), {
    message: 'Cannot parse level as it must be "debug", "info", "warn" or "error": ' +
      'current value is "loud"',
  });
});
