/**
 * The series of one instrument, found by their labels.
 * @module
 */
import type { Labels } from "./metrics.ts";
import { type Kind, quoted } from "./_names.ts";

/** What every label of the series says that takes in what is beyond `maxSeries`. */
export const OVERFLOW = "_OTHER";

/** What an instrument was made with, defaults filled in. */
export interface Spec<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly quantiles: readonly number[];
}

const NO_LABELS: Labels = {};

/** The series of one instrument, at most `maxSeries` and one for the overflow. */
export class Family<K extends Kind, Series> {
  /** The series in the order in which they were made. */
  readonly series = new Map<string, Series>();
  readonly kind: K;
  /** How often labels were asked for that are counted in the overflow series. */
  overflowed = 0;
  /** How many values were passed over as no finite number, or negative in a counter. */
  ignored = 0;
  readonly #labels: ReadonlySet<string>;

  constructor(
    readonly spec: Spec<K>,
    readonly maxSeries: number,
    readonly make: (family: Family<K, Series>, labels: Labels) => Series,
  ) {
    this.kind = spec.kind;
    this.#labels = new Set(spec.labels);
  }

  /** Gives what the instrument without labels is: its one series, if it has no labels. */
  root(): Series | Unresolved<K, Series> {
    return this.spec.labels.length === 0
      ? this.select(NO_LABELS, NO_LABELS)
      : new Unresolved(this, NO_LABELS);
  }

  /** Finds or makes the series of labels, `more` on top of `given`. */
  select(given: Labels, more: Labels): Series | Unresolved<K, Series> {
    const labels = given === NO_LABELS ? more : { ...given, ...more };
    for (const name in more) if (!this.#labels.has(name)) throw this.mismatch(labels);
    const key = this.#key(labels);
    if (key === undefined) return new Unresolved(this, labels === more ? { ...more } : labels);
    return this.series.get(key) ?? this.#add(key, labels);
  }

  /** Finds a series and makes none. */
  find(labels: Labels): Series | undefined {
    const key = this.#key(labels);
    return key === undefined || Object.keys(labels).length !== this.spec.labels.length
      ? undefined
      : this.series.get(key);
  }

  /** Makes the error of labels that do not fit. */
  mismatch(labels: Labels): TypeError {
    return new TypeError(
      `Inconsistent label cardinality: cannot use "${this.spec.name}" as its labels must be ` +
        `${quoted(this.spec.labels)}: current labels are ${quoted(Object.keys(labels))}`,
    );
  }

  /** A key of its own for every list of values, or nothing while a label is missing. */
  #key(labels: Labels): string | undefined {
    let key = "";
    for (const name of this.spec.labels) {
      if (!Object.hasOwn(labels, name)) return undefined;
      const value = text(labels[name]);
      key += `${value.length}:${value}`;
    }
    return key;
  }

  #add(key: string, labels: Labels): Series {
    if (this.series.size < this.maxSeries) return this.#make(key, labels);
    this.overflowed++;
    const other = Object.fromEntries(this.spec.labels.map((name) => [name, OVERFLOW]));
    const otherKey = this.#key(other)!;
    return this.series.get(otherKey) ?? this.#make(otherKey, other);
  }

  #make(key: string, labels: Labels): Series {
    const own = Object.fromEntries(this.spec.labels.map((name) => [name, text(labels[name])]));
    const series = this.make(this, own);
    this.series.set(key, series);
    return series;
  }
}

/** Half a surrogate pair cannot be written in UTF-8: two such values would look the same. */
function text(value: unknown): string {
  return String(value).toWellFormed();
}

/** An instrument that still waits for labels. */
export class Unresolved<K extends Kind, Series> {
  constructor(readonly family: Family<K, Series>, readonly labels: Labels) {}

  with(labels: Labels): Series | Unresolved<K, Series> {
    return this.family.select(this.labels, labels);
  }
  add(): never {
    throw this.family.mismatch(this.labels);
  }
  set(): never {
    throw this.family.mismatch(this.labels);
  }
  observe(): never {
    throw this.family.mismatch(this.labels);
  }
}
