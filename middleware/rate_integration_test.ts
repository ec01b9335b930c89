/** Plays random traces on Go's own golang.org/x/time/rate and compares every answer. */
import assert from "node:assert/strict";
import { hasGo, runGo, seeded } from "./_go_testing.ts";
import { type Booking, Limiter } from "./_limiter.ts";

interface Op {
  readonly Kind: "allow" | "reserve" | "cancel" | "setLimit" | "setBurst";
  readonly At: number;
  readonly N: number;
  readonly Limit: number | null;
  readonly Which: number;
}

interface Trace {
  readonly Limit: number | null;
  readonly Burst: number;
  readonly Ops: readonly Op[];
}

type Answer = readonly [answer: boolean | number | null, tokens: number];

const LIMITS = [null, 0.7692307692307693, 1, 3, 5, 10, 33.3, 100, 1e4, 1e6];
/** With these a wait outlasts a lifetime. What is cancelled there depends on single nanoseconds. */
const GLACIAL = [0, 1e-10, ...LIMITS];

function randomTrace(random: (below: number) => number): Trace {
  const isGlacial = random(4) === 0;
  const limits = isGlacial ? GLACIAL : LIMITS;
  const limit = () => limits[random(limits.length)]!;
  const steps = [1, 1e3, 1e6, 100e6, 1e9, 60e9];
  let at = random(1e9);
  let reservations = 0;
  const Ops: Op[] = [];
  for (let i = 0; i < 400; i++) {
    const by = random(2) === 0 ? 0 : random(5) * steps[random(steps.length)]! + random(3);
    at += random(20) === 0 ? -by : by;
    const kind = random(100);
    const Kind = kind < 40
      ? "allow"
      : kind < 75
      ? "reserve"
      : kind < 92
      ? "cancel"
      : kind < 97
      ? "setLimit"
      : "setBurst";
    if (Kind === "cancel" && (isGlacial || reservations === 0)) continue;
    const Which = Math.max(0, reservations - 1 - random(6));
    if (Kind === "reserve") reservations++;
    const N = random(Kind === "setBurst" ? 12 : 5);
    Ops.push({ Kind, At: at, N, Limit: Kind === "setLimit" ? limit() : null, Which });
  }
  return { Limit: limit(), Burst: random(8), Ops };
}

/** Waits of a lifetime are all one; neither side is exact to the nanosecond there. */
function capped(ns: number): number {
  return Math.min(ns, 2 ** 62);
}

function play(trace: Trace): readonly Answer[] {
  const limiter = new Limiter(trace.Limit ?? Infinity, trace.Burst);
  const bookings: (Booking | undefined)[] = [];
  return trace.Ops.map(({ Kind, At, N, Limit, Which }) => {
    let answer: boolean | number | null = null;
    if (Kind === "allow") answer = limiter.allowAt(At, N);
    else if (Kind === "reserve") {
      const booking = limiter.bookAt(At, N);
      bookings.push(booking);
      answer = booking === undefined ? null : capped(booking.timeToActNs - At);
    } else if (Kind === "cancel") {
      const booking = bookings[Which];
      if (booking !== undefined) limiter.cancelAt(At, booking);
    } else if (Kind === "setLimit") limiter.setLimitAt(At, Limit ?? Infinity);
    else limiter.setBurstAt(At, N);
    return [answer, limiter.tokensAt(At)];
  });
}

Deno.test({
  name: "Limiter gives every answer that golang.org/x/time/rate gives (P6, L1)",
  ignore: !hasGo(), // the peer is a Go program
  fn: async () => {
    const random = seeded(20260101);
    const traces = Array.from({ length: 300 }, () => randomTrace(random));
    const output = await runGo("go-rate", ["run", "."], { input: JSON.stringify(traces) });
    const answers = JSON.parse(output) as readonly (readonly Answer[])[];
    assert.equal(answers.length, traces.length);
    let waits = 0;
    for (const [i, trace] of traces.entries()) {
      for (const [k, own] of play(trace).entries()) {
        const context = JSON.stringify({ trace: i, op: k, ...trace.Ops[k] });
        const [answer, tokens] = answers[i]![k]!;
        const theirs = [typeof answer === "number" ? capped(answer) : answer, tokens];
        if (typeof own[0] === "number" && own[0] > 0) waits++;
        assert.deepEqual(own, theirs, context);
      }
    }
    assert(waits > 1000, `only ${waits} reservations had to wait`);
  },
});
