/**
 * What a registry of prom-client reads: series of Kit that answer as a metric of its own would.
 *
 * The values stay in Kit's series, as prom-client's metrics find theirs by a text that is made anew
 * for each observation, and is the same for `{ a: "x,b:y", b: "z" }` and `{ a: "x", b: "y,b:z" }`.
 * @module
 */
import type { AnyFamily } from "./_instruments.ts";
import type { Kind } from "./_names.ts";
import type { HistogramFamily } from "./_series.ts";
import type { Labels } from "./metrics.ts";

/** A line of the exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** When it is another than the metric's. */
  readonly metricName?: string;
}

/** What prom-client calls a metric object with values. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: Kind;
  readonly aggregator: string;
  readonly values: readonly Sample[];
}

/** What a registry of prom-client asks of a metric. */
export interface Collectable {
  readonly name: string;
  readonly help: string;
  readonly type: Kind;
  readonly aggregator: string;
  get(): Promise<Metric>;
  reset(): void;
}

/** Shows a family to a registry of prom-client. */
export function promFamily(family: AnyFamily): Collectable {
  const { name, help, kind: type } = family.spec;
  const metric = { name, help, type, aggregator: "sum" };
  return {
    ...metric,
    get: () => Promise.resolve({ ...metric, values: samplesOf(family) }),
    // The series that are resolved already must go on counting, so a reset cannot take them away.
    reset: () => {},
  };
}

function samplesOf(family: AnyFamily): readonly Sample[] {
  switch (family.kind) {
    case "counter":
    case "gauge":
      return [...family.series.values()].map(({ labels, value }) => ({ labels, value }));
    case "histogram":
    case "summary":
      return [...distributions(family)];
  }
}

function* distributions({ spec, series }: HistogramFamily): Iterable<Sample> {
  const { name, kind, quantiles } = spec;
  for (const one of series.values()) {
    const { labels, sum, count } = one;
    for (const q of quantiles) {
      yield { labels: { ...labels, quantile: q }, value: one.sketch!.quantile(q) };
    }
    for (const { le, count } of kind === "histogram" ? one.buckets() : []) {
      const bound = le === Infinity ? "+Inf" : le;
      yield { labels: { ...labels, le: bound }, value: count, metricName: `${name}_bucket` };
    }
    yield { labels, value: sum, metricName: `${name}_sum` };
    yield { labels, value: count, metricName: `${name}_count` };
  }
}

/** The name of {@linkcode Refusals}. */
export const REFUSALS = "kit_metrics_refused_total";

/** Counts what instruments did not take as given. */
export class Refusals implements Collectable {
  readonly name = REFUSALS;
  readonly help =
    "Values that are no number, and labels that are counted in the overflow series, by metric";
  readonly type = "counter";
  readonly aggregator = "sum";
  readonly families: AnyFamily[] = [];

  get(): Promise<Metric> {
    const { name, help, type, aggregator } = this;
    const values = this.families.flatMap(({ spec, ignored, overflowed }) => [
      ...count({ metric: spec.name, reason: "invalid" }, ignored),
      ...count({ metric: spec.name, reason: "overflow" }, overflowed),
    ]);
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  reset(): void {}
}

function count(labels: Labels, value: number): readonly Sample[] {
  return value === 0 ? [] : [{ labels, value }];
}
