/**
 * A provider that Prometheus scrapes. It is the one entry of this package that loads
 * `npm:prom-client`.
 *
 * ```ts
 * import { prometheus } from "@kit/metrics/prometheus";
 * import assert from "node:assert/strict";
 *
 * const metrics = prometheus({ namespace: "my_group", subsystem: "string_service" });
 * metrics.counter("request_count", { labels: ["method"] }).with({ method: "count" }).add();
 * const response = await metrics.handler(new Request("http://localhost/metrics"));
 * assert.match(await response.text(), /^my_group_string_service_request_count\{method="count"\} 1$/m);
 * ```
 * @module
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import { acceptsOpenMetrics } from "./_accepts_open_metrics.ts";
import { type AnyFamily, Instruments } from "./_instruments.ts";
import { checkName, sampleNames } from "./_names.ts";
import { openMetrics } from "./_open_metrics.ts";
import { type Collectable, type Metric, promFamily, REFUSALS, Refusals } from "./_prom_family.ts";
import type { Provider } from "./metrics.ts";

/** What is used of a registry of prom-client: its `Registry` is one. */
export interface PromRegistry {
  /** The type of what it writes: the text format, as the other way of writing changes its names. */
  readonly contentType: "text/plain; version=0.0.4; charset=utf-8";
  /**
   * Writes all metrics.
   * @returns The text.
   */
  metrics(): Promise<string>;
  /**
   * Reads all metrics.
   * @returns The metrics with their values.
   */
  getMetricsAsJSON(): Promise<readonly unknown[]>;
  /**
   * Lists all metrics.
   * @returns The metrics.
   */
  getMetricsAsArray(): readonly unknown[];
  /**
   * Finds a metric.
   * @param name Its name.
   * @returns The metric.
   */
  getSingleMetric(name: string): unknown;
  /**
   * Adds a metric.
   * @param metric The metric, one of prom-client's own or what looks like one.
   */
  registerMetric(metric: never): void;
}

/** Options for {@linkcode prometheus}. */
export interface PrometheusOptions {
  /**
   * A registry of prom-client to share, such as one with metrics that were made without Kit.
   * @default {a registry of its own, never the global one}
   */
  readonly registry?: PromRegistry;
  /**
   * What every name begins with.
   * @default {""}
   */
  readonly namespace?: string;
  /**
   * What follows the namespace in every name.
   * @default {""}
   */
  readonly subsystem?: string;
  /**
   * The most series of one instrument. What is beyond is counted in one more, whose labels all say
   * `_OTHER`.
   * @default {2000}
   */
  readonly maxSeries?: number;
  /**
   * Whether the metrics of the process are told too, such as `process_cpu_seconds_total`. Those of
   * its memory and files on Linux need permission to read `/proc`.
   * @default {false}
   */
  readonly processMetrics?: boolean;
}

/** A provider that Prometheus scrapes. */
export interface Prometheus extends Provider {
  /**
   * Tells which format {@linkcode Prometheus.text} chooses.
   * @param accept The `Accept` header of the scraper.
   * @returns The content type.
   */
  contentType(accept?: string): string;
  /**
   * Writes all metrics.
   * @param accept The `Accept` header of the scraper.
   * @returns The text format 0.0.4, or OpenMetrics 1.0 if that is asked for.
   */
  text(accept?: string): Promise<string>;
  /**
   * Answers a scrape. It needs no `this`.
   * @param request The request, for any path.
   * @returns The metrics; 405 for what is neither GET nor HEAD.
   */
  handler(request: Request): Promise<Response>;
}

const OPEN_METRICS_TYPE = Registry.OPENMETRICS_CONTENT_TYPE;
const TEXT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * Makes a provider that Prometheus scrapes. Values that are no number, and labels beyond the limit,
 * are counted in `kit_metrics_refused_total`.
 * @param options Its registry, the start of its names, its limit.
 * @returns The provider.
 * @throws {TypeError} If namespace and subsystem cannot begin a name, or the registry writes OpenMetrics.
 * @throws {RangeError} If `maxSeries` is not a positive integer.
 * @example A summary
 * ```ts
 * import { prometheus } from "@kit/metrics/prometheus";
 * import assert from "node:assert/strict";
 * const metrics = prometheus();
 * const latency = metrics.histogram("latency_seconds", { kind: "summary", quantiles: [0.5] });
 * latency.observe(0.25);
 * assert.match(await metrics.text(), /^latency_seconds\{quantile="0.5"\} 0.25$/m);
 * ```
 */
export function prometheus(options: PrometheusOptions = {}): Prometheus {
  const { registry = new Registry(), namespace, subsystem, maxSeries = 2000 } = options;
  const prefix = [namespace, subsystem].map((part) => part ? `${part}_` : "").join("");
  if (prefix !== "") checkName(prefix);
  if (registry.contentType !== TEXT_TYPE) {
    throw new TypeError(
      `Cannot share registry as its content type must be "${TEXT_TYPE}": ` +
        `current value is "${registry.contentType}"`,
    );
  }
  const refusals = refusalsOf(registry);
  const instruments = new Instruments({
    prefix,
    maxSeries,
    hasSketch: ({ quantiles }) => quantiles.length > 0,
    onAdd(family) {
      checkForeign(registry, family);
      registry.registerMetric(promFamily(family) as never);
      refusals.families.push(family);
    },
  });
  if (options.processMetrics) collectDefaultMetrics({ register: registry as Registry });

  const contentType = (accept = "") => acceptsOpenMetrics(accept) ? OPEN_METRICS_TYPE : TEXT_TYPE;
  const text = async (accept = "") => {
    if (!acceptsOpenMetrics(accept)) return await registry.metrics();
    return openMetrics(await registry.getMetricsAsJSON() as readonly Metric[]);
  };
  return {
    contentType,
    text,
    counter: (name, options) => instruments.counter(name, options),
    gauge: (name, options) => instruments.gauge(name, options),
    histogram: (name, options) => instruments.histogram(name, options),
    async handler(request) {
      if (request.method !== "GET" && request.method !== "HEAD") {
        return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
      }
      const accept = request.headers.get("accept") ?? "";
      const body = request.method === "HEAD" ? null : await text(accept);
      const headers = { "content-type": contentType(accept), vary: "accept" };
      return new Response(body, { headers });
    },
  };
}

/** Finds the one of the registry, as several providers may share it. */
function refusalsOf(registry: PromRegistry): Refusals {
  const existing = registry.getSingleMetric(REFUSALS);
  if (existing instanceof Refusals) return existing;
  const refusals = new Refusals();
  registry.registerMetric(refusals as never);
  return refusals;
}

/** Refuses names that a metric has taken which others registered. */
function checkForeign(registry: PromRegistry, { spec }: AnyFamily): void {
  const names = sampleNames(spec.kind, spec.name);
  for (const { name, type } of registry.getMetricsAsArray() as readonly Collectable[]) {
    const taken = sampleNames(type, name).find((one) => names.includes(one));
    if (taken === undefined) continue;
    throw new TypeError(
      `Cannot make ${spec.kind} "${spec.name}" as "${name}" of the registry writes "${taken}" already`,
    );
  }
}
