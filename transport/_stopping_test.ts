import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import process from "node:process";
import { type Stop, stoppable } from "./_stopping.ts";

/** Waits until the runtime has let go of a signal. */
function released(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

/** A stop that waits for work, with a clock that only moves when told. */
function stopping(signals: readonly "SIGHUP"[] = []) {
  const clock = new FakeClock();
  const work = Promise.withResolvers<void>();
  let way: Stop | undefined;
  let times = 0;
  const server = stoppable(async (stop) => {
    times++;
    way = stop;
    return await stop.within(1000, work.promise);
  }, { clock, signals });
  return { clock, work, server, way: () => way!, times: () => times };
}

Deno.test("stoppable() resolves to true when the work ends in time, and leaves no timer", async () => {
  const { clock, work, server, times } = stopping();
  const first = server.shutdown();
  const second = server.shutdown();
  await clock.advance(999);
  work.resolve();
  assert.deepEqual(await Promise.all([first, second, server.finished]), [true, true, true]);
  assert.equal(times(), 1);
  await settled();
  assert.equal(clock.pending, 0);
});

Deno.test("stoppable() resolves to false when the work takes too long", async () => {
  const { clock, server } = stopping();
  const done = server[Symbol.asyncDispose]();
  await clock.advance(1000);
  await done;
  assert(!await server.finished);
});

Deno.test("stoppable() stops at a signal, and waits no longer at a second", async () => {
  const { server, way, times } = stopping(["SIGHUP"]);
  process.emit("SIGHUP");
  assert.equal(times(), 1);
  assert(way().isSignalled);
  process.emit("SIGHUP");
  assert(!await server.finished);
  assert.equal(process.listenerCount("SIGHUP"), 0);
  await released();
});

Deno.test("stoppable() listens for signals no longer once it has stopped", async () => {
  const { server, work } = stopping(["SIGHUP"]);
  assert.equal(process.listenerCount("SIGHUP"), 1);
  work.resolve();
  assert(await server.shutdown());
  assert.equal(process.listenerCount("SIGHUP"), 0);
  await released();
});

Deno.test("stoppable() fails when the stop does", async () => {
  const server = stoppable(() => Promise.reject(new Error("stuck")), { clock: new FakeClock() });
  await assert.rejects(server.shutdown(), { message: "stuck" });
});
