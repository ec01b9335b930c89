/**
 * What an instrument may be called. The rules are those of Prometheus in every backend, as they are
 * the strictest: what runs with one backend runs with all.
 * @module
 */

/** What an instrument measures. */
export type Kind = "counter" | "gauge" | "histogram" | "summary";

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Labels that Prometheus sets itself. */
const RESERVED_LABELS: readonly string[] = ["le", "quantile"];

/** Shows names in an error. */
export function quoted(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => JSON.stringify(name)).join(", ");
}

/** Refuses a name that a backend could not write. */
export function checkName(name: string): void {
  if (typeof name === "string" && METRIC_NAME.test(name)) return;
  throw new TypeError(
    `Cannot make instrument as its name must match ${METRIC_NAME.source}: ` +
      `current value is ${JSON.stringify(name)}`,
  );
}

/** Refuses labels that a backend could not write. */
export function checkLabelNames(name: string, labels: readonly string[]): void {
  labels.forEach((label, index) => {
    const rule = !LABEL_NAME.test(label)
      ? `match ${LABEL_NAME.source}`
      : RESERVED_LABELS.includes(label)
      ? `not be ${RESERVED_LABELS.join(" or ")}`
      : labels.indexOf(label) !== index
      ? "not be given twice"
      : undefined;
    if (rule === undefined) return;
    throw new TypeError(
      `Cannot make "${name}" as a label must ${rule}: current value is ${JSON.stringify(label)}`,
    );
  });
}

/** Refuses buckets that are not finite and rising. */
export function checkBuckets(name: string, buckets: readonly number[]): void {
  const isRising = buckets.every((bound, i) =>
    Number.isFinite(bound) && (i === 0 || bound > buckets[i - 1]!)
  );
  if (isRising) return;
  throw new RangeError(
    `Cannot make "${name}" as its buckets must be finite and rising: current value is ${buckets}`,
  );
}

/** Refuses quantiles that are not between 0 and 1. */
export function checkQuantiles(name: string, quantiles: readonly number[]): void {
  if (quantiles.every((q) => q >= 0 && q <= 1)) return;
  throw new RangeError(
    `Cannot make "${name}" as its quantiles must be from 0 to 1: current value is ${quantiles}`,
  );
}

/**
 * Tells the names that an instrument takes up in Prometheus' formats. Two that share one would
 * read as one there, such as the count of histogram `x` and counter `x_count`.
 */
export function sampleNames(kind: Kind, name: string): readonly string[] {
  switch (kind) {
    case "counter":
    case "gauge":
      return [name];
    case "histogram":
      return [name, `${name}_bucket`, `${name}_count`, `${name}_sum`];
    case "summary":
      return [name, `${name}_count`, `${name}_sum`];
  }
}
