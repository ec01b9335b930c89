/**
 * The instruments of one provider: what the backends that hold values in this process build on.
 * @module
 */
import { Family, type Spec } from "./_family.ts";
import {
  checkBuckets,
  checkLabelNames,
  checkName,
  checkQuantiles,
  type Kind,
  sampleNames,
} from "./_names.ts";
import {
  type CounterFamily,
  CounterSeries,
  type GaugeFamily,
  GaugeSeries,
  type HistogramFamily,
  HistogramSeries,
} from "./_series.ts";
import type {
  Counter,
  Gauge,
  Histogram,
  HistogramOptions,
  InstrumentOptions,
  Labels,
  Provider,
} from "./metrics.ts";

/** Those of HTTP latencies in OpenTelemetry, in seconds. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export type AnyFamily = CounterFamily | GaugeFamily | HistogramFamily;
type AnySeries = CounterSeries | GaugeSeries | HistogramSeries;

/** What a backend decides for its instruments. */
export interface InstrumentsOptions {
  /** What stands before every name. */
  readonly prefix: string;
  readonly maxSeries: number;
  /** Tells whether a histogram estimates quantiles. */
  readonly hasSketch: (spec: Spec) => boolean;
  /** Called with every new instrument before it is used; if it throws there is none. */
  readonly onAdd?: (family: AnyFamily) => void;
}

/** A provider that remembers what it made. */
export class Instruments implements Provider {
  /** By name, in the order in which they were made. */
  readonly families = new Map<string, AnyFamily>();
  /** Which instrument takes up a name in Prometheus' formats. */
  readonly #owners = new Map<string, string>();

  constructor(readonly options: InstrumentsOptions) {
    const { maxSeries } = options;
    if (Number.isSafeInteger(maxSeries) && maxSeries >= 1) return;
    throw new RangeError(
      `Cannot use "maxSeries" as it must be a positive integer: current value is ${maxSeries}`,
    );
  }

  counter(name: string, options: InstrumentOptions = {}): Counter {
    const make = (family: CounterFamily, labels: Labels) => new CounterSeries(family, labels);
    return this.#family(this.#spec("counter", name, options), make).root();
  }

  gauge(name: string, options: InstrumentOptions = {}): Gauge {
    const make = (family: GaugeFamily, labels: Labels) => new GaugeSeries(family, labels);
    return this.#family(this.#spec("gauge", name, options), make).root();
  }

  histogram(name: string, options: HistogramOptions = {}): Histogram {
    const spec = this.#spec(options.kind ?? "histogram", name, options);
    const hasSketch = this.options.hasSketch(spec);
    const make = (family: HistogramFamily, labels: Labels) =>
      new HistogramSeries(family, labels, hasSketch);
    return this.#family(spec, make).root();
  }

  #spec<K extends Kind>(kind: K, name: string, options: HistogramOptions): Spec<K> {
    checkName(name);
    const { labels = [], buckets = DEFAULT_BUCKETS, quantiles = [] } = options;
    checkLabelNames(name, labels);
    checkBuckets(name, buckets);
    checkQuantiles(name, quantiles);
    return {
      kind,
      name: this.options.prefix + name,
      help: options.help || name,
      labels: [...labels],
      buckets: kind === "histogram" ? [...buckets] : [],
      quantiles: kind === "summary" ? [...quantiles] : [],
    };
  }

  /** Finds or makes a family. The kind in its spec tells of which series it is. */
  #family<K extends Kind, Series extends AnySeries>(
    spec: Spec<K>,
    make: (family: Family<K, Series>, labels: Labels) => Series,
  ): Family<K, Series> {
    const existing = this.families.get(spec.name);
    if (existing !== undefined) {
      checkSame(existing.spec, spec);
      return existing as unknown as Family<K, Series>;
    }
    const names = sampleNames(spec.kind, spec.name);
    for (const name of names) checkFree(spec, name, this.#owners.get(name));
    const family = new Family(spec, this.options.maxSeries, make);
    this.options.onAdd?.(family as unknown as AnyFamily);
    for (const name of names) this.#owners.set(name, spec.name);
    this.families.set(spec.name, family as unknown as AnyFamily);
    return family;
  }
}

function checkFree(spec: Spec, name: string, owner: string | undefined): void {
  if (owner === undefined) return;
  throw new TypeError(
    `Cannot make ${spec.kind} "${spec.name}" as "${owner}" writes "${name}" already`,
  );
}

function checkSame(existing: Spec, spec: Spec): void {
  if (shape(existing) === shape(spec)) return;
  throw new TypeError(
    `Cannot make "${spec.name}" as it must be what it was made as before, ${shape(existing)}: ` +
      `current value is ${shape(spec)}`,
  );
}

/** What must be equal for two instruments to be one; the help need not. */
function shape({ kind, labels, buckets, quantiles }: Spec): string {
  return JSON.stringify({ kind, labels: labels.toSorted(), buckets, quantiles });
}
