/**
 * Writes OpenMetrics 1.0.
 *
 * The writer of prom-client gives counters without `_total` another name than in the text format,
 * renames them for good, and leaves quotes in a help as they are.
 * @module
 */
import type { Metric, Sample } from "./_prom_family.ts";

/** Writes metrics, as a registry of prom-client tells them. */
export function openMetrics(metrics: readonly Metric[]): string {
  const names = new Set(metrics.map((metric) => metric.name));
  return metrics.map((metric) => block(metric, names)).join("") + "# EOF\n";
}

/**
 * A counter is one only by `_total` here. Any other is written as of unknown type, as Prometheus' own
 * libraries do: its series must not change their name when the scraper takes the other format.
 */
function block(metric: Metric, names: ReadonlySet<string>): string {
  const { name, help, values } = metric;
  const stem = name.replace(/_total$/, "");
  const isCounter = metric.type === "counter" && stem !== name && !names.has(stem);
  const type = metric.type !== "counter" ? metric.type : isCounter ? "counter" : "unknown";
  const family = isCounter ? stem : name;
  const lines = (isSigned(metric) ? withoutSums(metric) : values).map((sample) =>
    `${sample.metricName ?? name}${labelsText(sample)} ${numberText(sample.value)}\n`
  );
  return `# TYPE ${family} ${type}\n# HELP ${family} ${escaped(help)}\n${lines.join("")}`;
}

/** Tells whether a distribution has values below zero, which make its sum fall. */
function isSigned({ type, values }: Metric): boolean {
  return (type === "histogram" || type === "summary") &&
    values.some(({ value, labels }) => value < 0 || Number(labels.le) < 0);
}

/** Sums must not fall here. A histogram then has no count of its own either, a summary no quantiles. */
function withoutSums({ name, type, values }: Metric): readonly Sample[] {
  const kept = type === "histogram" ? `${name}_bucket` : `${name}_count`;
  return values.filter(({ metricName }) => metricName === kept);
}

function labelsText({ labels }: Sample): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const isBound = name === "le" || name === "quantile";
    return `${name}="${
      isBound ? boundText(Number(value === "+Inf" ? Infinity : value)) : escaped(String(value))
    }"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`);
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}

/** Bounds are written as floats, so that all processes write the same. */
function boundText(value: number): string {
  const text = numberText(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
