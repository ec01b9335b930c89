/**
 * What is done to every wire by peers that mean ill, and what has to come of it: an error to that peer
 * alone, soon, for little memory. Named as a test, so that it is not published.
 * @module
 */
import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import type { Schema } from "../schema.ts";
import { type Answer, type Ask, HOST, type Question } from "./_peer_support_test.ts";

export * from "./_peer_support_test.ts";

export const LISTEN = { listen: `${HOST}:0`, signals: [] };

/** What is promised in the least of messages. */
export const HUGE = 2 ** 31 - 1;
/** The limit where a message is sent that is over it; small, as who sends it needs memory as well. */
export const MAX_BYTES = 65_536;
/** Whether to measure memory exactly and to print what is measured. */
const IS_REPORT = Deno.env.get("KIT_HOSTILE") === "report";
/** How often each attack is made. */
const TIMES = 20;
/** On an idle machine it is 5 ms. */
const MAX_MS = 50;
const MAX_BYTES_KEPT = 1 << 20;

/** A question and no other. */
export const question: Schema<Question> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof (value as Question | null)?.s === "string"
        ? { value: value as Question }
        : { issues: [{ message: "must be a string", path: ["s"] }] },
  },
};

/** An answer and no other. */
export const answer: Schema<Answer> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof (value as Answer | null)?.v === "string"
        ? { value: value as Answer }
        : { issues: [{ message: "must be a string", path: ["v"] }] },
  },
};

/** Answers at once, but "hold" when it is let go. */
export class Service {
  readonly #held = Promise.withResolvers<Answer>();
  calls = 0;

  readonly ask: Ask = ({ s }) => {
    this.calls++;
    return s === "hold" ? this.#held.promise : Promise.resolve({ v: s.toUpperCase() });
  };

  release(): void {
    this.#held.resolve({ v: "HELD" });
  }
}

/** One thing that a peer does. */
export interface Attack<V> {
  readonly name: string;
  /** Does it, and tells what came of it. */
  readonly send: (victim: V) => Promise<string>;
  readonly outcome: string;
  /** Whether somebody waits, so that the time says nothing. */
  readonly isSlow?: boolean;
}

/** Serves a service, and makes a client that behaves well. What it opens is closed with `open`. */
export type Open<V> = (
  service: Service,
  open: AsyncDisposableStack,
) => Promise<V & { readonly ask: Ask }>;

/** Collects garbage. */
export const gc: () => void = collector();

/** Makes a test of each attack: what comes of it, who else suffers, time and memory. */
export function suffers<V>(
  wire: string,
  open: Open<V>,
  attacks: readonly Attack<V>[],
): void {
  for (const { name, send, outcome, isSlow = false } of attacks) {
    Deno.test(`${wire} bears ${name}`, async () => { // P12, P15, S3, S9
      await using stack = new AsyncDisposableStack();
      const service = new Service();
      const victim = await open(service, stack);
      const { ask } = victim;
      const ctx = background();
      const times = isSlow ? 2 : TIMES;
      const held = ask({ s: "hold" }, ctx);
      // So that nothing is in flight when the test has failed.
      stack.defer(async () => {
        service.release();
        await held.catch(() => {});
      });
      for (let i = 0; i < 2; i++) {
        assert.equal(await send(victim), outcome);
        assert.deepEqual(await ask({ s: "a" }, ctx), { v: "A" });
      }
      const calls = service.calls;
      const took: number[] = [];
      let most = 0;
      if (IS_REPORT) gc();
      const before = memory();
      for (let i = 0; i < times; i++) {
        const base = memory();
        const begin = performance.now();
        const [came, other] = await Promise.all([send(victim), ask({ s: "b" }, ctx)]);
        took.push(performance.now() - begin);
        most = Math.max(most, memory() - base);
        assert.equal(came, outcome);
        assert.deepEqual(other, { v: "B" });
      }
      // To collect garbage takes longer than all the rest.
      if (IS_REPORT || memory() - before > times * MAX_BYTES_KEPT) gc();
      const kept = (memory() - before) / times;
      assert.deepEqual(await ask({ s: "c" }, ctx), { v: "C" });
      assert.equal(service.calls, calls + times + 1);
      service.release();
      assert.deepEqual(await held, { v: "HELD" });
      const medianMs = took.sort((a, b) => a - b)[times >> 1]!;
      report([wire, name, outcome, medianMs.toFixed(2), kib(kept), kib(most)]);
      assert(isSlow || medianMs < MAX_MS, `It took ${medianMs} ms`);
      assert(kept < MAX_BYTES_KEPT, `It kept ${kept} bytes`);
    });
  }
}

/** Prints a row of the table, if asked to. */
export function report(row: readonly string[]): void {
  if (!IS_REPORT) return;
  Deno.stdout.writeSync(new TextEncoder().encode(`| ${row.join(" | ")} |\n`));
}

const kib = (bytes: number): string => (bytes / 1024).toFixed(0);

/** How much memory is in use. */
export function memory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function collector(): () => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc") as () => void;
}
