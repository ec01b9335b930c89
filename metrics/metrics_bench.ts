/**
 * What a call pays for its metrics.
 * @module
 */
import * as client from "prom-client";
import { memory } from "./memory.ts";
import { multi } from "./multi.ts";
import { prometheus } from "./prometheus.ts";

const LABELS = ["method", "error"];
const SERIES = { method: "uppercase", error: "false" };
const VALUES = Float64Array.from({ length: 1024 }, (_, i) => 0.0001 * 1.01 ** i);
const REPEAT = 1000;

const registers = [new client.Registry()];
const common = { help: "h", labelNames: LABELS, registers };
const providers = { memory: memory(), prometheus: prometheus(), multi: multi(memory(), memory()) };

// Each bench does its work a thousand times over, as one call is shorter than the timer can tell.
const bare = new client.Counter({ name: "c", ...common }).labels(SERIES);
Deno.bench({
  name: "1000 times inc() of a prom-client child",
  group: "counter",
  baseline: true,
  fn() {
    for (let i = 0; i < REPEAT; i++) bare.inc();
  },
});
for (const [name, provider] of Object.entries(providers)) {
  const counter = provider.counter("c", { labels: LABELS }).with(SERIES);
  Deno.bench(`1000 times add() of ${name}`, { group: "counter" }, () => {
    for (let i = 0; i < REPEAT; i++) counter.add();
  });
}

const gauge = new client.Gauge({ name: "g", ...common }).labels(SERIES);
Deno.bench({
  name: "1000 times inc() of a prom-client child gauge",
  group: "gauge",
  baseline: true,
  fn() {
    for (let i = 0; i < REPEAT; i++) gauge.inc(1);
  },
});
for (const [name, provider] of Object.entries(providers)) {
  const gauge = provider.gauge("g", { labels: LABELS }).with(SERIES);
  Deno.bench(`1000 times add() of ${name} gauge`, { group: "gauge" }, () => {
    for (let i = 0; i < REPEAT; i++) gauge.add(1);
  });
}

const observer = new client.Histogram({ name: "h", ...common }).labels(SERIES);
Deno.bench({
  name: "1000 times observe() of a prom-client child",
  group: "histogram",
  baseline: true,
  fn() {
    for (let i = 0; i < REPEAT; i++) observer.observe(VALUES[i]!);
  },
});
for (const [name, provider] of Object.entries(providers)) {
  const histogram = provider.histogram("h", { labels: LABELS }).with(SERIES);
  Deno.bench(`1000 times observe() of ${name}`, { group: "histogram" }, () => {
    for (let i = 0; i < REPEAT; i++) histogram.observe(VALUES[i]!);
  });
}
const summary = providers.prometheus.histogram("s", { kind: "summary", quantiles: [0.5] });
Deno.bench("1000 times observe() of prometheus summary", { group: "histogram" }, () => {
  for (let i = 0; i < REPEAT; i++) summary.observe(VALUES[i]!);
});

const unresolved = new client.Counter({ name: "w", ...common });
Deno.bench({
  name: "1000 times inc(labels) of prom-client",
  group: "resolve two labels and count",
  baseline: true,
  fn() {
    for (let i = 0; i < REPEAT; i++) unresolved.inc(SERIES);
  },
});
for (const [name, provider] of Object.entries(providers)) {
  const counter = provider.counter("w", { labels: LABELS });
  Deno.bench(`1000 times with(labels).add() of ${name}`, {
    group: "resolve two labels and count",
  }, () => {
    for (let i = 0; i < REPEAT; i++) counter.with(SERIES).add();
  });
}

const filled = prometheus();
for (let i = 0; i < 500; i++) {
  filled.counter("c", { labels: ["a"] }).with({ a: String(i) }).add();
  filled.histogram("h", { labels: ["a"] }).with({ a: String(i) }).observe(i);
}
Deno.bench("text() of 9000 lines", { group: "scrape", baseline: true }, async () => {
  await filled.text();
});
Deno.bench("text() of 9000 lines in OpenMetrics", { group: "scrape" }, async () => {
  await filled.text("application/openmetrics-text");
});
