import assert from "node:assert/strict";
import fc from "fast-check";
import { Timers } from "./_timers.ts";

const HOLD = true;
const RELEASE = false;

/** The runtime under the heap: a time that stands still, and at most one pending timer. */
class FakeRuntime {
  now = 0.25;
  pending: { dueAt: number; callback: () => void; isHeld: boolean } | undefined;
  armed = 0;
  readonly errors: unknown[] = [];

  run(test: (runtime: this) => void): void {
    const { setTimeout, clearTimeout } = globalThis;
    const now = Object.getOwnPropertyDescriptor(performance, "now");
    Object.defineProperty(performance, "now", { configurable: true, value: () => this.now });
    globalThis.setTimeout = ((callback: () => void, delayMs: number) => {
      assert.equal(this.pending, undefined, "Only one timer of the runtime may be pending");
      assert(delayMs >= 0 && delayMs < 2 ** 31, `${delayMs}`);
      this.armed++;
      const pending = { dueAt: this.now + delayMs, callback, isHeld: true };
      this.pending = pending;
      return Object.assign(pending, {
        ref: () => pending.isHeld = true,
        unref: () => pending.isHeld = false,
      });
    }) as unknown as typeof globalThis.setTimeout;
    globalThis.clearTimeout = ((timer: unknown) => {
      if (timer === this.pending) this.pending = undefined;
    }) as typeof globalThis.clearTimeout;
    try {
      test(this);
    } finally {
      if (now === undefined) delete (performance as { now?: unknown }).now;
      else Object.defineProperty(performance, "now", now);
      Object.assign(globalThis, { setTimeout, clearTimeout });
    }
  }

  /** Moves on; the timers of this runtime ring up to `earlyMs` too early, as those of Node do. */
  advance(ms: number, earlyMs = 0): void {
    const end = this.now + ms;
    for (let turns = 0; this.pending !== undefined && this.pending.dueAt <= end; turns++) {
      assert(turns < 10_000, "The heap arms again and again");
      const { dueAt, callback } = this.pending;
      this.pending = undefined;
      this.now = Math.max(this.now, dueAt - (turns % 2 === 0 ? earlyMs : 0));
      try {
        callback();
      } catch (error) {
        this.errors.push(error);
      }
    }
    this.now = end;
  }
}

interface Entry {
  readonly dueAt: number;
  readonly keepAlive: boolean;
  readonly timer: Disposable;
}

type Then = "nothing" | "add" | "dispose" | "throw";

const then = fc.constantFrom<Then>("nothing", "nothing", "add", "dispose", "throw");
const step = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    delayMs: fc.oneof(fc.integer({ min: -2, max: 30 }), fc.constantFrom(NaN, Infinity, 2 ** 32)),
    keepAlive: fc.boolean(),
    then,
  }),
  fc.record({ kind: fc.constant("dispose" as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(40) }),
);

Deno.test("Timers fire in due order, never early, never after disposal, each once", () => {
  fc.assert(fc.property(
    fc.array(step, { maxLength: 60 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (steps, earlyMs) =>
      new FakeRuntime().run((runtime) => {
        const timers = new Timers();
        const live = new Set<Entry>();
        const all: Entry[] = [];
        let thrown = 0;

        const add = (delayMs: number, keepAlive: boolean, then: Then): void => {
          const timer = timers.add(delayMs, () => {
            assert(live.has(entry), "It was disposed of or has fired");
            assert(entry.dueAt <= runtime.now, "It is early");
            const earliest = [...live].reduce((a, b) => b.dueAt < a.dueAt ? b : a);
            assert.equal(entry, earliest, "Another was due before");
            live.delete(entry);
            if (then === "add") add(0, keepAlive, "nothing");
            if (then === "dispose") [...live].slice(0, 2).forEach(dispose);
            if (then === "throw") throw new Error(`Thrown ${thrown++}`);
          }, keepAlive);
          const dueAt = runtime.now + (delayMs > 0 ? delayMs : 0);
          const entry = { dueAt, keepAlive, timer };
          live.add(entry);
          all.push(entry);
        };
        const dispose = (entry: Entry): void => {
          entry.timer[Symbol.dispose]();
          live.delete(entry);
        };
        const check = (): void => {
          assert.equal(runtime.pending !== undefined, live.size > 0);
          const isHeld = [...live].some((entry) => entry.keepAlive);
          assert.equal(runtime.pending?.isHeld ?? false, isHeld);
        };

        for (const step of steps) {
          if (step.kind === "add") add(step.delayMs, step.keepAlive, step.then);
          else if (step.kind === "advance") {
            runtime.advance(step.ms, earlyMs);
            for (const { dueAt } of live) assert(dueAt > runtime.now - 1, "It is late");
          } else if (all.length > 0) dispose(all[step.at % all.length]!);
          check();
        }
        assert.equal(runtime.errors.length, thrown);
        for (const error of runtime.errors) assert.match(String(error), /Thrown/);
        all.forEach(dispose);
        check();
      }),
  ));
});

Deno.test("Timers keep the order of a large heap when many are taken out of its middle", () => {
  const delays = fc.uniqueArray(fc.nat(10_000), { minLength: 20, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(delays, fc.array(fc.nat(), { size: "max", maxLength: 60 }), (delays, out) => {
      new FakeRuntime().run((runtime) => {
        const timers = new Timers();
        const fired: number[] = [];
        const live = new Map(
          delays.map((ms) => [ms, timers.add(ms, () => fired.push(ms), HOLD)] as const),
        );
        for (const n of out) {
          const ms = delays[n % delays.length]!;
          live.get(ms)?.[Symbol.dispose]();
          live.delete(ms);
        }
        runtime.advance(10_001);
        assert.deepEqual(fired, [...live.keys()].sort((a, b) => a - b));
      });
    }),
  );
});

Deno.test("Timers run all the others when one callback throws", () => {
  new FakeRuntime().run((runtime) => {
    const timers = new Timers();
    const fired: number[] = [];
    for (const n of [1, 2, 3, 4]) {
      timers.add(5, () => {
        fired.push(n);
        if (n % 2 === 1) throw new Error(`${n}`);
      }, HOLD);
    }
    runtime.advance(6);
    assert.deepEqual(fired, [1, 2, 3, 4]);
    assert.deepEqual(runtime.errors.map(String), ["Error: 1", "Error: 3"]);
    assert.equal(runtime.pending, undefined);
  });
});

Deno.test("Timers let a callback that adds another at once wait for the next turn", () => {
  new FakeRuntime().run((runtime) => {
    const timers = new Timers();
    let fired = 0;
    const again = (): void => {
      fired++;
      if (fired < 100) timers.add(0, again, HOLD);
    };
    timers.add(0, again, HOLD);
    const turn = runtime.pending!.callback;
    runtime.pending = undefined;
    runtime.now += 1;
    turn();
    assert.equal(fired, 1);
  });
});

Deno.test("Timers are not stopped by one without a number for a delay", () => {
  new FakeRuntime().run((runtime) => {
    const timers = new Timers();
    const fired: string[] = [];
    timers.add(NaN, () => fired.push("NaN"), HOLD);
    timers.add(1, () => fired.push("1"), HOLD);
    runtime.advance(2);
    assert.deepEqual(fired, ["NaN", "1"]);
  });
});

Deno.test("Timers wait longer than the runtime can", () => {
  new FakeRuntime().run((runtime) => {
    const timers = new Timers();
    let isOver = false;
    timers.add(2 ** 33, () => isOver = true, HOLD);
    runtime.advance(2 ** 33 - 1);
    assert(!isOver);
    runtime.advance(2);
    assert(isOver);
  });
});

Deno.test("Timers arm the runtime once for many calls while one far-off entry is in", () => {
  new FakeRuntime().run((runtime) => {
    const timers = new Timers();
    timers.add(3_600_000, () => {}, RELEASE);
    for (let i = 0; i < 1000; i++) {
      timers.add(1000, () => {}, RELEASE)[Symbol.dispose]();
      runtime.advance(0.1);
    }
    assert.equal(runtime.armed, 2);
  });
});

Deno.test("Timers forget the callback of a timer that is disposed of", () => {
  new FakeRuntime().run(() => {
    const timer = new Timers().add(5, () => {}, HOLD);
    timer[Symbol.dispose]();
    assert.equal((timer as { callback?: unknown }).callback, undefined);
  });
});
