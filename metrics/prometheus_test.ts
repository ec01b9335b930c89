import assert from "node:assert/strict";
import * as client from "prom-client";
import { prometheusSubject, valueIn } from "./_prometheus_subject.ts";
import { prometheus } from "./prometheus.ts";
import { normalSamples, providerChecks } from "./testing.ts";

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const REFUSED_HEAD =
  "# HELP kit_metrics_refused_total Values that are no number, and labels that are counted in the " +
  "overflow series, by metric\n# TYPE kit_metrics_refused_total counter\n";

// MM7, MG2, R2, R5
for (const check of providerChecks(() => prometheusSubject(prometheus()))) {
  Deno.test(`prometheus() passes the contract: ${check.name}`, check.run);
}

Deno.test("prometheus() writes the text format", async () => {
  const metrics = prometheus({ namespace: "my_group", subsystem: "string_service" });
  metrics.counter("request_count", { help: "Number of \\ requests\nreceived", labels: ["method"] })
    .with({ method: 'a"b\\c\nd' }).add(3);
  metrics.gauge("in_flight").set(-0.5);
  metrics.histogram("size", { buckets: [1, 2.5] }).observe(2);
  metrics.histogram("latency", { kind: "summary" }).observe(2);
  metrics.histogram("wait", { kind: "summary", quantiles: [0.5] }).observe(2);
  const p = "my_group_string_service";
  assert.equal(
    await metrics.text(),
    `${REFUSED_HEAD}
# HELP ${p}_request_count Number of \\\\ requests\\nreceived
# TYPE ${p}_request_count counter
${p}_request_count{method="a\\"b\\\\c\\nd"} 3

# HELP ${p}_in_flight in_flight
# TYPE ${p}_in_flight gauge
${p}_in_flight -0.5

# HELP ${p}_size size
# TYPE ${p}_size histogram
${p}_size_bucket{le="1"} 0
${p}_size_bucket{le="2.5"} 1
${p}_size_bucket{le="+Inf"} 1
${p}_size_sum 2
${p}_size_count 1

# HELP ${p}_latency latency
# TYPE ${p}_latency summary
${p}_latency_sum 2
${p}_latency_count 1

# HELP ${p}_wait wait
# TYPE ${p}_wait summary
${p}_wait{quantile="0.5"} 2
${p}_wait_sum 2
${p}_wait_count 1
`,
  );
});

Deno.test("prometheus() writes OpenMetrics when asked for", async () => {
  const metrics = prometheus();
  metrics.counter("a_total", { help: 'Says "a"\n\\', labels: ["l"] }).with({ l: '"\\\n' }).add();
  metrics.counter("b").add(1e21);
  metrics.histogram("h", { buckets: [1, 2.5, 1e21] }).observe(2);
  metrics.histogram("s", { kind: "summary", quantiles: [0, 0.5] });
  assert.equal(
    await metrics.text("application/openmetrics-text"),
    `# TYPE kit_metrics_refused counter
# HELP kit_metrics_refused Values that are no number, and labels that are counted in the overflow series, by metric
# TYPE a counter
# HELP a Says \\"a\\"\\n\\\\
a_total{l="\\"\\\\\\n"} 1
# TYPE b unknown
# HELP b b
b 1e+21
# TYPE h histogram
# HELP h h
h_bucket{le="1.0"} 0
h_bucket{le="2.5"} 1
h_bucket{le="1e+21"} 1
h_bucket{le="+Inf"} 1
h_sum 2
h_count 1
# TYPE s summary
# HELP s s
s{quantile="0.0"} NaN
s{quantile="0.5"} NaN
s_sum 0
s_count 0
# EOF
`,
  );
});

Deno.test("prometheus() leaves out of OpenMetrics the sums that can fall", async () => {
  const metrics = prometheus();
  metrics.histogram("h", { buckets: [-1, 1] }).observe(0);
  metrics.histogram("i", { buckets: [1] }).observe(-2);
  metrics.histogram("s", { kind: "summary", quantiles: [0.5] }).observe(-2);
  const lines = (await metrics.text(OPEN)).split("\n").filter((line) => /^[his][_{]/.test(line));
  assert.deepEqual(lines, [
    'h_bucket{le="-1.0"} 0',
    'h_bucket{le="1.0"} 1',
    'h_bucket{le="+Inf"} 1',
    'i_bucket{le="1.0"} 1',
    'i_bucket{le="+Inf"} 1',
    "s_count 1",
  ]);
  assert.equal(valueIn(await metrics.text(), "i_sum"), -2);
});

Deno.test("prometheus() writes the same names in both formats, in any order of scrapes", async () => {
  const metrics = prometheus();
  for (const name of ["a_total", "b", "c", "c_total"]) metrics.counter(name).add(7);
  for (const accept of [TEXT, OPEN, TEXT, OPEN]) {
    const text = await metrics.text(accept);
    for (const name of ["a_total", "b", "c", "c_total"]) assert.equal(valueIn(text, name), 7);
  }
  // A family must not be there twice, so the second keeps the name it has.
  assert.match(await metrics.text(OPEN), /^# TYPE c_total unknown$/m);
});

for (
  const [accept, expected] of [
    [undefined, TEXT],
    ["", TEXT],
    ["*/*", TEXT],
    ["text/plain", TEXT],
    ["text/html,application/xhtml+xml,*/*;q=0.8", TEXT],
    ["application/openmetrics-text", OPEN],
    ['Application/OpenMetrics-Text; version="1.0.0"; charset=utf-8', OPEN],
    ["application/openmetrics-text; version=0.0.1", TEXT],
    ["application/openmetrics-text; version=2.0.0", TEXT],
    ["application/openmetrics-text; q=0", TEXT],
    ["application/openmetrics-text; q=nonsense", TEXT],
    ["application/openmetrics-text; q=0.1, text/plain; q=0.2", TEXT],
    ["application/openmetrics-text; q=0.2, text/plain; q=0.2", OPEN],
    // What Prometheus 2 and 3 send.
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      OPEN,
    ],
    [
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5," +
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      OPEN,
    ],
    [";;,=;q", TEXT],
  ] as const
) {
  Deno.test(`contentType() answers ${JSON.stringify(accept)} by ${expected.slice(0, 20)}`, () => {
    assert.equal(prometheus().contentType(accept), expected);
  });
}

Deno.test("handler() answers a scrape in the format asked for", async () => {
  const { handler, ...metrics } = prometheus();
  metrics.counter("c_total").add();
  for (const [accept, type] of [["", TEXT], [OPEN, OPEN]] as const) {
    const response = await handler(
      new Request("http://localhost/metrics", { headers: { accept } }),
    );
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), type);
    assert.equal(response.headers.get("vary"), "accept");
    const body = await response.text();
    assert.equal(valueIn(body, "c_total"), 1);
    assert.equal(body.endsWith("# EOF\n"), type === OPEN);
  }
});

Deno.test("handler() answers HEAD without a body, and refuses other methods", async () => {
  const { handler } = prometheus();
  const head = await handler(new Request("http://localhost/", { method: "HEAD" }));
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-type"), TEXT);
  assert.equal(await head.text(), "");
  const post = await handler(new Request("http://localhost/", { method: "POST" }));
  assert.equal(post.status, 405);
  assert.equal(post.headers.get("allow"), "GET, HEAD");
});

Deno.test("prometheus() spreads normal samples over the buckets as the distribution does", async () => {
  // MG2
  const metrics = prometheus();
  const buckets = [450, 475, 500, 525, 550];
  const histogram = metrics.histogram("h", { buckets });
  const samples = normalSamples(12345);
  for (const sample of samples) histogram.observe(sample);
  const text = await metrics.text();
  // The share of a normal distribution below -2, -1, 0, 1, 2 standard deviations.
  const shares = [0.02275, 0.15866, 0.5, 0.84134, 0.97725];
  shares.forEach((share, i) => {
    const count = valueIn(text, "h_bucket", { le: String(buckets[i]) })!;
    const expected = share * samples.length;
    assert(Math.abs(count - expected) <= 0.25 * expected, `${count} is not ${expected}`);
  });
  assert.equal(valueIn(text, "h_bucket", { le: "+Inf" }), 12345);
  assert.equal(valueIn(text, "h_count"), 12345);
});

Deno.test("prometheus() tells the quantiles of a summary within 1 %", async () => {
  const metrics = prometheus();
  const quantiles = [0.5, 0.9, 0.99];
  const summary = metrics.histogram("s", { kind: "summary", quantiles, labels: ["a"] });
  const samples = normalSamples(12345);
  for (const sample of samples) summary.with({ a: "1" }).observe(sample);
  const sorted = samples.toSorted((a, b) => a - b);
  const text = await metrics.text();
  for (const q of quantiles) {
    const expected = sorted[Math.floor(q * sorted.length)]!;
    const actual = valueIn(text, "s", { a: "1", quantile: String(q) })!;
    assert(Math.abs(actual - expected) <= 0.01 * expected, `${actual} is not ${expected}`);
  }
});

Deno.test("prometheus() bounds 100,000 invented labels by its limit and one series", async () => {
  // P17, V7
  const metrics = prometheus({ namespace: "n", maxSeries: 500 });
  const histogram = metrics.histogram("h", { labels: ["path"], buckets: [] });
  for (let i = 0; i < 100_000; i++) histogram.with({ path: `/${i}` }).observe(1);
  const text = await metrics.text();
  assert.equal(text.match(/^n_h_count\{/gm)!.length, 501);
  assert.equal(valueIn(text, "n_h_count", { path: "_OTHER" }), 99_500);
  assert.equal(
    valueIn(text, "kit_metrics_refused_total", { metric: "n_h", reason: "overflow" }),
    99_500,
  );
});

Deno.test("prometheus() counts the values that are no number", async () => {
  const metrics = prometheus();
  const counter = metrics.counter("c");
  counter.add(-1);
  counter.add(NaN);
  const labels = { metric: "c", reason: "invalid" };
  assert.equal(valueIn(await metrics.text(), "kit_metrics_refused_total", labels), 2);
});

Deno.test("prometheus() keeps to itself, not to the global registry", async () => {
  const one = prometheus();
  const two = prometheus();
  one.counter("c").add(1);
  two.counter("c").add(2);
  assert.equal(valueIn(await one.text(), "c"), 1);
  assert.equal(valueIn(await two.text(), "c"), 2);
  assert.deepEqual(client.register.getMetricsAsArray(), []);
});

Deno.test("prometheus() shares a registry with others", async () => {
  const registry = new client.Registry();
  registry.setDefaultLabels({ zone: "z" });
  const foreign = new client.Counter({ name: "f_total", help: "F", registers: [registry] });
  const histogram = new client.Histogram({
    name: "fh",
    help: "F",
    labelNames: ["a"],
    buckets: [1],
    registers: [registry],
  });
  const one = prometheus({ registry, namespace: "one" });
  const two = prometheus({ registry, namespace: "two" });
  foreign.inc(1);
  histogram.observe({ a: "b" }, 0.5);
  one.counter("c").add(2);
  two.histogram("h", { buckets: [1] }).observe(3);
  two.gauge("g").set(NaN);
  for (const text of [await one.text(), await two.text(), await two.text(OPEN)]) {
    assert.equal(valueIn(text, "f_total", { zone: "z" }), 1);
    assert.equal(valueIn(text, "one_c", { zone: "z" }), 2);
    assert.equal(valueIn(text, "two_h_sum", { zone: "z" }), 3);
    assert.equal(valueIn(text, "fh_count", { zone: "z", a: "b" }), 1);
    const labels = { metric: "two_g", reason: "invalid", zone: "z" };
    assert.equal(valueIn(text, "kit_metrics_refused_total", labels), 1);
  }
  assert.equal(
    valueIn(await two.text(OPEN), "fh_bucket", { zone: "z", a: "b", le: "1.0" }),
    1,
  );
});

Deno.test("prometheus() refuses a name that others have taken in a shared registry", () => {
  const registry = new client.Registry();
  new client.Histogram({ name: "h", help: "H", registers: [registry] });
  const metrics = prometheus({ registry });
  assert.throws(() => metrics.gauge("h"), {
    name: "TypeError",
    message: 'Cannot make gauge "h" as "h" of the registry writes "h" already',
  });
  assert.throws(() => metrics.counter("h_count"), /writes "h_count" already$/);
  assert.throws(() => metrics.counter("kit_metrics_refused_total"), /already$/);
  metrics.counter("taken");
  assert.throws(() => prometheus({ registry }).counter("taken"), /already$/);
});

Deno.test("prometheus() refuses what it cannot write", () => {
  assert.throws(() => prometheus({ namespace: "my-group" }), {
    name: "TypeError",
    message: /^Cannot make instrument as its name must match .*: current value is "my-group_"$/,
  });
  assert.throws(() => prometheus({ maxSeries: 0 }), RangeError);
  const registry = new client.Registry<client.RegistryContentType>();
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
  // @ts-expect-error The type says so too.
  assert.throws(() => prometheus({ registry }), {
    name: "TypeError",
    message: /^Cannot share registry as its content type must be "text\/plain/,
  });
});

Deno.test("prometheus() goes on counting after the registry was reset", async () => {
  const registry = new client.Registry();
  const metrics = prometheus({ registry });
  const counter = metrics.counter("c");
  counter.add();
  registry.resetMetrics();
  counter.add();
  assert.equal(valueIn(await metrics.text(), "c"), 2);
});

Deno.test("prometheus() adds up over processes through prom-client", async () => {
  const registries = [new client.Registry(), new client.Registry()];
  for (const registry of registries) {
    const metrics = prometheus({ registry });
    metrics.counter("c").add(2);
    metrics.histogram("h", { buckets: [1] }).observe(0.5);
  }
  const all = client.AggregatorRegistry.aggregate(
    await Promise.all(registries.map((registry) => registry.getMetricsAsJSON())),
  );
  const text = await all.metrics();
  assert.equal(valueIn(text, "c"), 4);
  assert.equal(valueIn(text, "h_bucket", { le: "1" }), 2);
});

Deno.test({
  name: "prometheus() tells the metrics of the process when asked for",
  // The loop monitor of prom-client lives as long as the process.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    assert.doesNotMatch(await prometheus().text(), /process_/);
    const metrics = prometheus({ processMetrics: true, namespace: "n" });
    for (const accept of [TEXT, OPEN]) {
      const text = await metrics.text(accept);
      assert(valueIn(text, "process_cpu_seconds_total")! > 0);
      assert(valueIn(text, "process_start_time_seconds")! > 1e9);
    }
  },
});
