import assert from "node:assert/strict";
import { apply, background, type Endpoint, KitError } from "@kit/endpoint";
import { FakeClock, scripted, settled } from "@kit/endpoint/testing";
import { type Fields, formatLogfmt, LEVELS } from "@kit/log";
import { levelOfCode, logging } from "./logging.ts";

function capture(): { log: (event: Fields) => void; events: Fields[]; lines: () => string[] } {
  const events: Fields[] = [];
  return { log: (event) => void events.push(event), events, lines: () => events.map(formatLogfmt) };
}

Deno.test("logging() writes the tutorial's line", async () => {
  const clock = new FakeClock();
  const { log, lines } = capture();
  const uppercase = apply(
    async (s: string) => {
      await clock.advance(3);
      clock.set(clock.now() + 0.5);
      return s.toUpperCase();
    },
    logging(log, {
      method: "uppercase",
      fields: (input, output) => ({ input, output }),
      clock,
    }),
  );
  await uppercase("hello, world", background());
  assert.deepEqual(lines(), [
    'method=uppercase input="hello, world" output="HELLO, WORLD" err=null took=3.5ms',
  ]);
});

Deno.test("logging() writes neither request nor response unless told to", async () => {
  const { log, lines } = capture();
  const call = logging(log, { method: "login", clock: new FakeClock() })(
    scripted<{ password: string }, { token: string }>({ token: "secret" }),
  );
  await call({ password: "hunter2" }, background());
  assert.deepEqual(lines(), ["method=login err=null took=0s"]);
});

Deno.test("logging() writes a business failure as err, without a level (EP5)", async () => {
  const { log, lines } = capture();
  const response = { failed: () => new Error("Empty string") };
  const call = logging(log, { method: "count", clock: new FakeClock() })(
    scripted<string, typeof response>(response),
  );
  await call("", background());
  assert.deepEqual(lines(), ['method=count err="Empty string" took=0s']);
});

Deno.test("logging() gives a business failure that has a code the level of that", async () => {
  const { log, events } = capture();
  const response = { failed: () => new KitError("not_found", "Cannot find it") };
  await logging(log, { method: "get" })(scripted<string, typeof response>(response))(
    "",
    background(),
  );
  assert.equal(events[0]!.level, LEVELS.info);
});

Deno.test("logging() writes the level, the causes, the code and the first stack", async () => {
  const { log, events } = capture();
  const cause = new Error("connection refused");
  const error = new KitError("internal", "Cannot load profile", { cause });
  const call = logging(log, { method: "get", clock: new FakeClock() })(
    scripted<string, number>(error, new KitError("not_found", "Cannot find it")),
  );
  await assert.rejects(call("", background()), (thrown) => thrown === error);
  await assert.rejects(call("", background()));
  assert.deepEqual(Object.keys(events[0]!), ["level", "method", "err", "took", "code", "stack"]);
  assert.deepEqual(
    [events[0]!.level, events[0]!.err, events[0]!.code, events[0]!.stack],
    [LEVELS.error, "Cannot load profile: connection refused", "internal", cause.stack],
  );
  assert.deepEqual(Object.keys(events[1]!), ["level", "method", "err", "took", "code"]);
  assert.equal(events[1]!.level, LEVELS.info);
});

Deno.test("logging() stands an error that is its own cause, and one that is none", async () => {
  const { log, events } = capture();
  const round = new Error("round");
  round.cause = round;
  const call = logging(log, { method: "get" })((error: unknown) => Promise.reject(error));
  await assert.rejects(call(round, background()));
  await assert.rejects(call("text", background()), (thrown) => thrown === "text");
  assert.deepEqual([events[0]!.err, events[1]!.err], ["round", "text"]);
});

Deno.test("levelOfCode() chooses as the gRPC ecosystem does", () => {
  assert.equal(levelOfCode("ok"), undefined);
  assert.equal(levelOfCode("cancelled"), LEVELS.info);
  assert.equal(levelOfCode("unavailable"), LEVELS.warn);
  assert.equal(levelOfCode("unknown"), LEVELS.error);
});

Deno.test("logging() takes another choice of levels", async () => {
  const { log, lines } = capture();
  const call = logging(log, {
    method: "get",
    level: (code) => code === "ok" ? LEVELS.debug : undefined,
    clock: new FakeClock(),
  })(scripted<string, number>(1, new Error("down")));
  await call("", background());
  await assert.rejects(call("", background()));
  assert.deepEqual(lines(), [
    "level=debug method=get err=null took=0s",
    "method=get err=down took=0s code=unknown",
  ]);
});

Deno.test("logging() does not fail a call whose fields cannot be had", async () => {
  const { log, lines } = capture();
  const call = logging(log, {
    method: "get",
    clock: new FakeClock(),
    fields: (_: string, response: number | undefined) => {
      throw new Error(`no ${response}`);
    },
  })(scripted<string, number>(1));
  assert.equal(await call("", background()), 1);
  assert.deepEqual(lines(), ['method=get fields_err="no 1" err=null took=0s']);
});

Deno.test("logging() writes a stream when its iteration ends or fails", async () => {
  const clock = new FakeClock();
  const { log, lines } = capture();
  const count: Endpoint<number, AsyncIterable<number>> = (n) =>
    Promise.resolve((async function* () {
      for (let i = 0; i < n; i++) {
        await clock.advance(5);
        yield i;
      }
      if (n === 3) throw new Error("cut off");
    })());
  const level = () => undefined;
  const call = logging(log, { method: "count", level, clock })(count);
  const stream = await call(2, background());
  await settled();
  assert.deepEqual(lines(), []);
  await Array.fromAsync(stream);
  await assert.rejects(Array.fromAsync(await call(3, background())));
  assert.deepEqual(lines(), [
    "method=count err=null took=10ms",
    'method=count err="cut off" took=15ms code=unknown',
  ]);
});
