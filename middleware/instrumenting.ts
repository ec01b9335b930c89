/**
 * Counts calls and times them.
 * @module
 */
import { type AnyMiddleware, type Clock, type Code, codeOf, failure } from "@kit/endpoint";
import { systemClock } from "@kit/endpoint";
import type { Counter, Histogram, Labels } from "@kit/metrics";
import { measure } from "./_measure.ts";

/** The instruments that {@linkcode instrumenting} feeds; each may be left out. */
export interface Instruments {
  /** Counts the calls. */
  readonly requests?: Counter;
  /** Takes how long each call took, in seconds. */
  readonly latency?: Histogram;
}

/** Options for {@linkcode instrumenting}. */
export interface InstrumentingOptions {
  /** The value of the label `method`. */
  readonly method: string;
  /**
   * Which label tells how a call ended: `error` is "true" or "false", `code` is "ok" or the code of
   * the error.
   * @default {"error"}
   */
  readonly outcome?: "error" | "code";
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

interface Series {
  readonly requests: Counter | undefined;
  readonly latency: Histogram | undefined;
}

/**
 * Counts calls and times them, with a label `method` and one for the outcome. A business failure
 * inside the response (`Failer`) counts as an error, with the code of that error. A streamed call
 * ends when its iteration does.
 *
 * The series are resolved once, so that a call hashes no label. Place it directly beside
 * {@linkcode logging} and both share their readings of the clock.
 * @param instruments What to feed.
 * @param options The method, and how its outcome is told.
 * @returns The middleware.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { instrumenting } from "@kit/middleware/instrumenting";
 * import type { Counter } from "@kit/metrics";
 * import assert from "node:assert/strict";
 * const seen: unknown[] = [];
 * const counter = (labels = {}): Counter => ({
 *   add: () => void seen.push(labels),
 *   with: (more) => counter({ ...labels, ...more }),
 * });
 * const measured = instrumenting({ requests: counter() }, { method: "double" });
 * await measured((n: number) => Promise.resolve(n * 2))(4, background());
 * assert.deepEqual(seen, [{ method: "double", error: "false" }]);
 * ```
 */
export function instrumenting(
  instruments: Instruments,
  options: InstrumentingOptions,
): AnyMiddleware {
  const { method, outcome = "error", clock = systemClock } = options;
  const seriesOf = (labels: Labels): Series => ({
    requests: instruments.requests?.with({ method, ...labels }),
    latency: instruments.latency?.with({ method, ...labels }),
  });
  const find = outcome === "error" ? byError(seriesOf) : byCode(seriesOf);
  return (next) =>
    measure(next, clock, (tookMs, error, _request, response) => {
      const { requests, latency } = find(error ?? failure(response));
      requests?.add();
      latency?.observe(tookMs / 1000);
    });
}

function byError(seriesOf: (labels: Labels) => Series): (error: unknown) => Series {
  const good = seriesOf({ error: "false" });
  const bad = seriesOf({ error: "true" });
  return (error) => error === undefined ? good : bad;
}

/** Resolves the series of a code when it first occurs: most of the 17 never do. */
function byCode(seriesOf: (labels: Labels) => Series): (error: unknown) => Series {
  const good = seriesOf({ code: "ok" });
  const bad = new Map<Code, Series>();
  return (error) => {
    if (error === undefined) return good;
    const code = codeOf(error);
    let series = bad.get(code);
    if (series === undefined) bad.set(code, series = seriesOf({ code }));
    return series;
  };
}
