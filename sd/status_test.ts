import { FakeClock } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { type Status, StatusTracker } from "./status.ts";

Deno.test("StatusTracker tells each change of state once", async () => {
  const clock = new FakeClock(1000);
  const changes: Status[] = [];
  const tracker = new StatusTracker({ clock, onStatus: (status) => changes.push(status) });
  const refused = new Error("refused");
  for (let attempt = 0; attempt < 3; attempt++) {
    await clock.advance(1);
    tracker.set("disconnected", refused);
  }
  tracker.set("connected");
  tracker.set("closed");
  tracker.set("connected");
  assert.deepEqual(changes, [
    { state: "disconnected", since: 1001, lastError: refused },
    { state: "connected", since: 1003, lastError: refused },
    { state: "closed", since: 1003, lastError: refused },
  ]);
  assert.equal(tracker.status, changes[2]);
});

Deno.test("StatusTracker gives out what nobody can change", () => {
  const { status } = new StatusTracker();
  assert.throws(() => Object.assign(status, { state: "connected" }), TypeError);
});

Deno.test("StatusTracker goes on although its hook throws", () => {
  const tracker = new StatusTracker({
    onStatus: () => {
      throw new Error("hook");
    },
  });
  tracker.set("connected");
  assert.equal(tracker.status.state, "connected");
});
