/**
 * Picks who answers soonest.
 * @module
 */
import { type Clock, codeOf, type Context, systemClock, whenDone } from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";
import type { Endpointer, Entry } from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { isHostFailure } from "./host_failure.ts";
import { wasCancelled } from "./_cancelled.ts";
import { leastOf } from "./_least.ts";
import { perSet } from "./_per_set.ts";
import { TrackedEntry, wrappedOnce } from "./_tracked.ts";

/** Options for {@linkcode peakEwma}. */
export interface PeakEwmaOptions {
  /**
   * How long the past counts: after this time a latency has faded to 37 %.
   * @default {10000}
   */
  readonly decayMs?: number;
  /**
   * What a failure counts as: this latency, or the time it took if that is longer. Zero makes an
   * endpoint that fails fast look like the best of all.
   * @default {1000}
   */
  readonly failureMs?: number;
  /**
   * Tells whether a failure costs `failureMs`. It is not asked about calls that the caller cancelled.
   * @default {(error) => isHostFailure(error) || codeOf(error) === "resource_exhausted"}
   */
  readonly isFailure?: (error: unknown) => boolean;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
  /**
   * Gives a number from 0 on and below 1.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** The cost of an endpoint that has not answered yet and is to do so first. */
const UNKNOWN_COST = 1e12;
/** A latency of zero would hide how many calls are under way. */
const MIN_LATENCY_MS = 1e-3;

/**
 * Draws two endpoints and picks the one with the lower cost: its latency times the calls that would
 * be under way on it. The latency is a moving average that jumps to each higher sample at once and
 * comes down slowly, as in Finagle; a failure counts as a long one, so that an endpoint that fails
 * fast draws no calls. One that has not answered yet gets a single call until it does.
 *
 * The latency of a streamed response is the time until the stream is there; the call counts as under
 * way until its last item.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param options What counts how much.
 * @returns The balancer. Its entries measure the calls made on them.
 * @throws {RangeError} If `decayMs` is not above zero or `failureMs` is negative.
 * @example Usage
 * ```ts
 * import { background, delay } from "@kit/endpoint";
 * import { peakEwma } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(fixed(["fast:80", "slow:80"]), ({ address }) => async () => {
 *   if (address === "slow:80") await delay(5);
 *   return address;
 * });
 * const balancer = peakEwma(names);
 * const call = () => balancer.pick(undefined, background()).endpoint(undefined, background());
 * await Promise.all([call(), call()]); // Each is asked once.
 * assert.equal(await call(), "fast:80");
 * ```
 */
export function peakEwma<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  options: PeakEwmaOptions = {},
): Balancer<Req, Res> {
  const { decayMs = 10_000, failureMs = 1000, isFailure = isCostly } = options;
  const { clock = systemClock, random = Math.random } = options;
  checkPositive("decayMs", decayMs);
  checkNonNegative("failureMs", failureMs);
  const settings = { decayMs, failureMs, isFailure, clock };
  const entries = perSet(
    endpointer,
    wrappedOnce((entry: Entry<Req, Res>) => new TimedEntry(entry, settings)),
  );
  let now = 0;
  const draw = { choices: 2, cost: (entry: TimedEntry<Req, Res>) => entry.cost(now), random };
  return {
    pick(_request, _ctx, options) {
      const set = entries();
      now = clock.now(); // Reading it costs more than all the rest, so once for both.
      return leastOf(set, draw, options?.exclude);
    },
  };
}

type Settings = Required<Omit<PeakEwmaOptions, "random">>;

class TimedEntry<Req, Res> extends TrackedEntry<Req, Res> {
  readonly #settings: Settings;
  #running = 0;
  #latencyMs = 0;
  #sampledAt = 0;

  constructor(entry: Entry<Req, Res>, settings: Settings) {
    super(entry);
    this.#settings = settings;
  }

  cost(now: number): number {
    const latencyMs = this.#latencyMs * this.#fading(now);
    if (latencyMs === 0 && this.#running > 0) return UNKNOWN_COST + this.#running;
    return latencyMs * (this.#running + 1);
  }

  /** How much of the latency is left by now; a clock that went back changes nothing. */
  #fading(now: number): number {
    return Math.exp(-Math.max(0, now - this.#sampledAt) / this.#settings.decayMs);
  }

  protected override call(request: Req, ctx: Context): Promise<Res> {
    const startedAt = this.#settings.clock.now();
    this.#running++;
    let isAnswered = false;
    const answered = this.start(request, ctx).then((response) => {
      isAnswered = true;
      const now = this.#settings.clock.now();
      this.#sample(now - startedAt, now);
      return response;
    });
    return whenDone(answered, (error) => {
      this.#running--;
      if (error !== undefined) this.#fail(error, isAnswered ? undefined : startedAt, ctx);
    });
  }

  /** Takes in a failure, of a call or of a stream that has been there already. */
  #fail(error: unknown, startedAt: number | undefined, ctx: Context): void {
    const { isFailure, failureMs, clock } = this.#settings;
    const now = clock.now();
    const tookMs = startedAt === undefined ? 0 : now - startedAt;
    const costs = !wasCancelled(ctx) && isFailure(error);
    if (costs) this.#sample(Math.max(failureMs, tookMs), now);
    else if (startedAt !== undefined) this.#sample(tookMs, now);
  }

  #sample(tookMs: number, now: number): void {
    const latencyMs = Math.max(MIN_LATENCY_MS, tookMs);
    const share = this.#fading(now);
    const faded = this.#latencyMs * share;
    this.#latencyMs = latencyMs > faded ? latencyMs : faded + latencyMs * (1 - share);
    this.#sampledAt = now;
  }
}

function isCostly(error: unknown): boolean {
  return isHostFailure(error) || codeOf(error) === "resource_exhausted";
}
