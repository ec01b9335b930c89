import assert from "node:assert/strict";
import fc from "fast-check";
import { counted } from "./_support_test.ts";
import { background } from "./background.ts";
import type { Context } from "./context.ts";
import { contextKey } from "./context.ts";
import {
  detach,
  withDeadline,
  withMetadata,
  withOutgoing,
  withSignal,
  withTimeout,
  withValue,
} from "./derive.ts";
import { KitError } from "./kit_error.ts";
import { metadata } from "./metadata.ts";
import { FakeClock } from "./testing.ts";

/** How many controllers a function makes. */
function controllersOf(make: () => void): number {
  const Original = globalThis.AbortController;
  let count = 0;
  globalThis.AbortController = class extends Original {
    constructor() {
      super();
      count++;
    }
  };
  try {
    make();
  } finally {
    globalThis.AbortController = Original;
  }
  return count;
}

function isDeadlineExceeded(reason: unknown): void {
  assert(reason instanceof KitError);
  assert.equal(reason.code, "deadline_exceeded");
  assert.equal(reason.message, "Deadline exceeded");
}

// P18: a context costs nothing until its signal is read
Deno.test("derivation makes no controller, timer or listener until signal is read", () => {
  const clock = new FakeClock();
  const { signal, listeners } = counted();
  let ctx: Context = background();
  const controllers = controllersOf(() => {
    ctx = withSignal(ctx, signal);
    ctx = withTimeout(ctx, 1000, { clock });
    ctx = withValue(ctx, contextKey("k"), 1);
    ctx = withMetadata(ctx, metadata({ a: "1" }));
    ctx = withOutgoing(ctx, metadata({ a: "1" }));
    ctx = withSignal(ctx, signal);
    ctx = withDeadline(ctx, clock.now() + 500, { clock });
    detach(ctx);
    assert(ctx.canAbort);
    assert.equal(ctx.deadline, clock.now() + 500);
    ctx.value(contextKey("k"));
  });
  assert.deepEqual([controllers, clock.pending, listeners()], [0, 0, 0]);

  // The same counters move once it is read, so that the zeros above say something.
  assert.equal(controllersOf(() => ctx.signal), 3);
  assert.deepEqual([clock.pending, listeners()], [2, 2]);
  assert.equal(controllersOf(() => ctx.signal), 0);
  assert.equal(ctx.signal, ctx.signal);
});

// P4: a child's deadline is never later than its parent's
Deno.test("withDeadline() takes the earliest of all deadlines above, whatever the order", () => {
  const clock = new FakeClock(0);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (deadlines) => {
      let ctx: Context = background();
      for (const deadline of deadlines) {
        const child = withDeadline(withValue(ctx, contextKey("k"), 1), deadline, { clock });
        assert(child.deadline! <= (ctx.deadline ?? Infinity));
        ctx = child;
      }
      assert.equal(ctx.deadline, Math.min(...deadlines));
    }),
  );
});

// P4
Deno.test("withDeadline() aborts at the deadline and not before", async () => {
  const clock = new FakeClock();
  using ctx = withDeadline(background(), clock.now() + 100, { clock });
  const { signal } = ctx;
  await clock.advance(99);
  assert(!signal.aborted);
  await clock.advance(1);
  isDeadlineExceeded(signal.reason);
  assert.equal(clock.pending, 0);
});

Deno.test("withDeadline() aborts on time however late the signal is first read", async () => {
  const clock = new FakeClock();
  using ctx = withTimeout(background(), 100, { clock });
  await clock.advance(60);
  const { signal } = ctx;
  await clock.advance(39);
  assert(!signal.aborted);
  await clock.advance(1);
  assert(signal.aborted);
});

Deno.test("withDeadline() that has passed is aborted at the first read, without a timer", () => {
  const clock = new FakeClock();
  const { signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  for (const deadline of [clock.now(), clock.now() - 1, -Infinity]) {
    using ctx = withDeadline(parent, deadline, { clock });
    isDeadlineExceeded(ctx.signal.reason);
    assert.deepEqual([clock.pending, listeners()], [0, 0]);
  }
});

Deno.test("withDeadline() that is no earlier than the parent's is the parent's", () => {
  const clock = new FakeClock();
  using parent = withTimeout(background(), 100, { clock });
  for (const timeoutMs of [100, 101, Infinity]) {
    using child = withTimeout(parent, timeoutMs, { clock });
    assert.equal(child.deadline, parent.deadline);
    assert.equal(child.signal, parent.signal);
  }
  assert.equal(clock.pending, 1);
});

Deno.test("withTimeout() of Infinity sets no deadline", () => {
  using ctx = withTimeout(background(), Infinity);
  assert.equal(ctx.deadline, undefined);
  assert(!ctx.canAbort);
});

Deno.test("withDeadline() and withTimeout() refuse NaN", () => {
  assert.throws(() => withDeadline(background(), NaN), RangeError);
  assert.throws(() => withTimeout(background(), NaN), RangeError);
});

Deno.test("withDeadline() removes timer and listener when it is disposed of", async () => {
  const clock = new FakeClock();
  const { controller, signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  const ctx = withTimeout(parent, 100, { clock });
  const own = ctx.signal;
  assert.deepEqual([clock.pending, listeners()], [1, 1]);
  ctx[Symbol.dispose]();
  ctx[Symbol.dispose]();
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
  await clock.advance(200);
  controller.abort();
  assert(!own.aborted);
});

Deno.test("withDeadline() leaves nothing when it is disposed of before the first read", () => {
  const clock = new FakeClock();
  const { controller, signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  const ctx = withTimeout(parent, 100, { clock });
  ctx[Symbol.dispose]();
  assert(!ctx.signal.aborted);
  assert.equal(ctx.signal, ctx.signal);
  assert.deepEqual([clock.pending, listeners()], [0, 0]);

  const late = withTimeout(parent, 100, { clock });
  late[Symbol.dispose]();
  controller.abort("gone");
  assert.equal(late.signal.reason, "gone");
  clock.tick(100);
  assert(!ctx.signal.aborted);
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
});

Deno.test("withDeadline() removes its timer when the parent aborts first", () => {
  const clock = new FakeClock();
  const { controller, signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  using ctx = withTimeout(parent, 100, { clock });
  const own = ctx.signal;
  controller.abort("gone");
  assert.equal(own.reason, "gone");
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
  clock.tick(100);
  assert.equal(own.reason, "gone");
});

Deno.test("withDeadline() removes its listener from the parent when the deadline comes first", () => {
  const clock = new FakeClock();
  const { controller, signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  using ctx = withTimeout(parent, 100, { clock });
  const own = ctx.signal;
  clock.tick(100);
  assert.equal(listeners(), 0);
  controller.abort("gone");
  isDeadlineExceeded(own.reason);
});

Deno.test("withDeadline() frees all when the clock calls back during the first read", () => {
  let disposed = 0;
  const clock = {
    now: () => 0,
    after: (_: number, callback: () => void) => {
      callback();
      return { [Symbol.dispose]: () => void disposed++ };
    },
  };
  const { signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  const ctx = withTimeout(parent, 100, { clock });
  isDeadlineExceeded(ctx.signal.reason);
  assert.deepEqual([disposed, listeners()], [1, 0]);
});

Deno.test("withDeadline() starts no timer under a parent that is aborted already", () => {
  const clock = { now: () => 0, after: () => assert.fail("It starts a timer") };
  using parent = withSignal(background(), AbortSignal.abort("gone"));
  using ctx = withTimeout(parent, 100, { clock });
  assert.equal(ctx.signal.reason, "gone");
});

Deno.test("withDeadline() does not keep the process alive", () => {
  const asked: unknown[] = [];
  const clock = {
    now: () => 0,
    after: (...args: unknown[]) => {
      asked.push(args[2]);
      return { [Symbol.dispose]: () => {} };
    },
  };
  using ctx = withTimeout(background(), 100, { clock });
  ctx.signal;
  assert.deepEqual(asked, [{ keepAlive: false }]);
});

Deno.test("withSignal() on a context that cannot abort gives the very signal", () => {
  const { signal, listeners } = counted();
  for (const parent of [background(), detach(withSignal(background(), AbortSignal.abort()))]) {
    using ctx = withSignal(withValue(parent, contextKey("k"), 1), signal);
    assert.equal(controllersOf(() => assert.equal(ctx.signal, signal)), 0);
    ctx[Symbol.dispose]();
    assert.equal(ctx.signal, signal);
  }
  assert.equal(listeners(), 0);
});

Deno.test("withSignal() is aborted by whichever aborts first, with its reason", () => {
  for (const first of [0, 1]) {
    const sources = [counted(), counted()] as const;
    using parent = withSignal(background(), sources[0].signal);
    using ctx = withSignal(parent, sources[1].signal);
    const { signal } = ctx;
    const reasons: unknown[] = [];
    signal.addEventListener("abort", () => reasons.push(signal.reason));
    assert.deepEqual(sources.map((source) => source.listeners()), [1, 1]);
    sources[first]!.controller.abort(`first ${first}`);
    sources[1 - first]!.controller.abort("second");
    assert.deepEqual(reasons, [`first ${first}`]);
    assert.deepEqual(sources.map((source) => source.listeners()), [0, 0]);
  }
});

Deno.test("withSignal() with a signal aborted already is aborted, the parent's reason first", () => {
  const { signal, listeners } = counted();
  using live = withSignal(background(), signal);
  using own = withSignal(live, AbortSignal.abort("own"));
  assert.equal(own.signal.reason, "own");
  assert.equal(listeners(), 0);

  using dead = withSignal(background(), AbortSignal.abort("parent"));
  using both = withSignal(dead, AbortSignal.abort("own"));
  assert.equal(both.signal.reason, "parent");
  using other = withSignal(dead, signal);
  assert.equal(other.signal.reason, "parent");
  assert.equal(listeners(), 0);
});

Deno.test("withSignal() takes the signal that its parent has already", () => {
  const { controller, signal, listeners } = counted();
  using parent = withSignal(background(), signal);
  using ctx = withSignal(parent, signal);
  ctx.signal;
  controller.abort("once");
  assert.equal(ctx.signal.reason, "once");
  assert.equal(listeners(), 0);
});

Deno.test("abort goes from the parent down, and a child may be disposed of meanwhile", () => {
  const clock = new FakeClock();
  const order: string[] = [];
  using parent = withTimeout(background(), 100, { clock });
  parent.signal.addEventListener("abort", () => order.push("parent"));
  using child = withSignal(parent, new AbortController().signal);
  using grandchild = withTimeout(child, 50_000, { clock });
  using sibling = withSignal(parent, new AbortController().signal);
  child.signal.addEventListener("abort", () => {
    order.push("child");
    sibling[Symbol.dispose]();
  });
  grandchild.signal.addEventListener("abort", () => order.push("grandchild"));
  sibling.signal.addEventListener("abort", () => order.push("sibling"));
  clock.tick(100);
  assert.deepEqual(order, ["parent", "child", "grandchild"]);
});

Deno.test("a disposed parent does not reach its children any more", () => {
  const clock = new FakeClock();
  const parent = withTimeout(background(), 100, { clock });
  using child = withSignal(parent, new AbortController().signal);
  child.signal;
  parent[Symbol.dispose]();
  clock.tick(100);
  assert(!child.signal.aborted);
  assert.equal(clock.pending, 0);
});

Deno.test("detach() keeps values and metadata, and drops signal and deadline", () => {
  const clock = new FakeClock();
  const key = contextKey<number>("n");
  using timed = withTimeout(background(), 100, { clock });
  const parent = withOutgoing(
    withMetadata(withValue(timed, key, 7), metadata({ a: "1" })),
    metadata({ b: "2" }),
  );
  const ctx = detach(parent);
  parent.signal;
  clock.tick(100);
  assert(parent.signal.aborted);
  assert(!ctx.signal.aborted);
  assert(!ctx.canAbort);
  assert.equal(ctx.deadline, undefined);
  assert.equal(ctx.value(key), 7);
  assert.equal(ctx.metadata.get("a"), "1");
  assert.equal(ctx.outgoing.get("b"), "2");
  using again = withTimeout(ctx, 5000, { clock });
  assert.equal(again.deadline, clock.now() + 5000);
});

Deno.test("withMetadata() and withOutgoing() replace one and leave the other", () => {
  const a = metadata({ a: "1" });
  const b = metadata({ b: "2" });
  const ctx = withOutgoing(withMetadata(background(), a), b);
  assert.equal(ctx.metadata, a);
  assert.equal(ctx.outgoing, b);
  assert.equal(withMetadata(ctx, b).outgoing, b);
  assert.equal(withOutgoing(ctx, a).metadata, a);
  assert.equal(ctx.metadata, a);
});

// R4: one never-aborted signal under 100,000 calls (leaks_test.ts measures the memory)
Deno.test("100,000 children leave no listener on a signal that is never aborted", () => {
  const clock = new FakeClock();
  const { signal, listeners } = counted();
  const parent = withSignal(background(), signal);
  for (let i = 0; i < 100_000; i++) {
    using timed = withTimeout(parent, 100, { clock });
    using child = withSignal(timed, signal);
    child.signal;
  }
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
});
