/**
 * What is scraped, read by others: promtool and the reference parser of OpenMetrics.
 *
 * promtool is found on PATH or at KIT_PROMTOOL; the parser is the Python package prometheus_client.
 * @module
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { type Prometheus, prometheus } from "./prometheus.ts";

const OPEN = "application/openmetrics-text";

/** Reads a JSON list of expositions, in text or OpenMetrics by its argument, and prints what it read. */
const PARSER = `
import json, sys
if sys.argv[1] == "open":
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
else:
    from prometheus_client.parser import text_string_to_metric_families as parse
def read(text):
    try:
        return [[s.name, s.labels, repr(float(s.value))] for f in parse(text) for s in f.samples]
    except Exception as error:
        return repr(error)
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
`;

interface Result {
  readonly code: number;
  readonly output: string;
}

async function run(command: string, args: readonly string[], input: string): Promise<Result> {
  const process = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  // A peer that cannot start closes its input; its exit code tells the story.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await run(command, args, "")).code === 0;
  } catch {
    return false;
  }
}

async function envOf(name: string): Promise<string | undefined> {
  const { state } = await Deno.permissions.query({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

const promtool = await envOf("KIT_PROMTOOL") ?? "promtool";
const hasPromtool = await works(promtool, ["--version"]);
const hasParser = await works("python3", ["-c", "import prometheus_client"]);
const needsPromtool = hasPromtool ? "" : " (promtool is not on PATH nor at KIT_PROMTOOL)";
const needsParser = hasParser ? "" : " (Python has no module prometheus_client)";

/** Any text, half surrogates and what looks like the syntax among it. */
const value = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "\r", "{", "}", ",", "=", " ", "#", "n") }),
);
const labels = fc.record({ a: value, b: value });
/** What to fill a registry with: sizes and bounds of `least` or more. */
const contents = (least: number) => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: least, max: 1e300 });
  const bound = fc.oneof(number, fc.integer({ min: Math.max(least, -20), max: 20 }));
  return fc.record({
    help: value,
    counts: fc.array(fc.tuple(labels, fc.double({ min: 0, max: 1e300, noNaN: true }))),
    levels: fc.array(fc.tuple(labels, number)),
    sizes: fc.array(fc.tuple(labels, number)),
    buckets: fc.uniqueArray(bound, { maxLength: 8 })
      .map((bounds) => bounds.sort((a, b) => a - b).filter((b, i, all) => b !== all[i - 1])),
  });
};
type Contents = ReturnType<typeof contents> extends fc.Arbitrary<infer T> ? T : never;
type Read = readonly [name: string, labels: Record<string, string>, value: string];

interface Filled {
  readonly registry: Registry;
  readonly metrics: Prometheus;
}

function fill({ help, counts, levels, sizes, buckets }: Contents): Filled {
  const registry = new Registry();
  const metrics = prometheus({ namespace: "kit", maxSeries: 5, registry });
  const options = { help, labels: ["a", "b"] };
  const total = metrics.counter("calls_total", options);
  const plain = metrics.counter("calls_plain", options);
  const gauge = metrics.gauge("level", options);
  const histogram = metrics.histogram("size_bytes", { ...options, buckets });
  const summary = metrics.histogram("wait_seconds", {
    ...options,
    kind: "summary",
    quantiles: [0, 0.5, 1],
  });
  for (const [given, delta] of counts) {
    total.with(given).add(delta);
    plain.with(given).add(delta);
  }
  for (const [given, value] of levels) gauge.with(given).set(value);
  for (const [given, value] of sizes) {
    histogram.with(given).observe(value);
    summary.with(given).observe(value);
  }
  metrics.counter("bad_total").add(NaN);
  return { registry, metrics };
}

/** Every sample as the registry of prom-client holds it, which both formats must tell. */
async function samplesOf({ registry }: Filled): Promise<string[]> {
  const families = await registry.getMetricsAsJSON();
  return families.flatMap(({ name, values }) =>
    values.map((sample) => {
      const { metricName = name } = sample as { metricName?: string };
      return key(metricName, sample.labels as Record<string, string | number>, sample.value);
    })
  ).sort();
}

/** A sample as text that does not depend on the order of labels or on how numbers are written. */
function key(name: string, labels: Record<string, string | number>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => [
    label,
    label === "le" || label === "quantile"
      ? String(Number(text === "+Inf" ? Infinity : text))
      : text,
  ]);
  return JSON.stringify([name, pairs.sort(), String(value)]);
}

Deno.test({
  name: `promtool finds no fault with a fuzzed registry${needsPromtool}`, // V3
  ignore: !hasPromtool,
  async fn() {
    await fc.assert(
      fc.asyncProperty(contents(-1e300), async (content) => {
        const { metrics } = fill({ ...content, help: `Any: ${content.help}` });
        // A linter wants what the second counter lacks on purpose.
        const text = (await metrics.text()).replaceAll("calls_plain", "plain_total");
        const { code, output } = await run(promtool, ["check", "metrics"], text);
        assert.equal(code, 0, output);
      }),
      { numRuns: 25 },
    );
  },
});

/** What the parser reads of each text, in one process as starting Python takes long. */
async function parsed(texts: readonly string[], format: "open" | "text"): Promise<string[][]> {
  const { code, output } = await run("python3", ["-c", PARSER, format], JSON.stringify(texts));
  assert.equal(code, 0, output);
  return (JSON.parse(output) as (Read[] | string)[]).map((samples, i) => {
    assert(typeof samples !== "string", `${samples}\n${texts[i]}`);
    return samples.map(([name, labels, value]) =>
      key(name, labels, Number(value === "nan" ? NaN : value))
    ).sort();
  });
}

for (const least of [0, -1e300]) {
  Deno.test({
    name: `the reference parser reads all of a fuzzed registry from ${least}${needsParser}`, // V3
    ignore: !hasParser,
    async fn() {
      const registries = fc.sample(contents(least), 100).map(fill);
      const expected = await Promise.all(registries.map(samplesOf));
      const texts = await Promise.all(registries.map(({ metrics }) => metrics.text()));
      // This parser adds the suffix to every counter.
      const named = expected.map((samples) =>
        samples.map((one) => one.replace('["kit_calls_plain"', '["kit_calls_plain_total"')).sort()
      );
      assert.deepEqual(await parsed(texts, "text"), named);
      const open = await Promise.all(registries.map(({ metrics }) => metrics.text(OPEN)));
      const read = await parsed(open, "open");
      // There are no sums of negative values in OpenMetrics.
      if (least === 0) assert.deepEqual(read, expected);
    },
  });
}

Deno.test({
  name: `the reference parser reads the metrics of the process${needsParser}`, // V3
  ignore: !hasParser,
  // The loop monitor of prom-client lives as long as the process.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const text = await prometheus({ processMetrics: true }).text(OPEN);
    const [samples] = await parsed([text], "open");
    assert(samples!.some((sample) => sample.includes("process_cpu_seconds_total")));
  },
});
