/**
 * Counts and times the calls of a service.
 * @module
 */
import type { Provider } from "@kit/metrics";
import type { ServiceMiddleware } from "./service.ts";

/** Feeds `request_count`, `request_latency_seconds` and `count_result`. */
export function instrumenting(metrics: Provider): ServiceMiddleware {
  const labels = ["method", "error"];
  const requests = metrics.counter("request_count", {
    help: "Number of requests received.",
    labels,
  });
  const latency = metrics.histogram("request_latency_seconds", {
    help: "Total duration of requests in seconds.",
    labels,
    kind: "summary",
  });
  const countResult = metrics.histogram("count_result", {
    help: "The result of each count method.",
    kind: "summary",
  });

  /** Resolves the series of a method once, and gives what measures a call of it. */
  function measuring(method: string): <T>(call: () => Promise<T>) => Promise<T> {
    const [good, bad] = (["false", "true"] as const).map((error) => ({
      requests: requests.with({ method, error }),
      latency: latency.with({ method, error }),
    }));
    return async (call) => {
      const begin = performance.now();
      let series = bad!;
      try {
        const result = await call();
        series = good!;
        return result;
      } finally {
        series.requests.add();
        series.latency.observe((performance.now() - begin) / 1000);
      }
    };
  }

  return (next) => {
    const measureUppercase = measuring("uppercase");
    const measureCount = measuring("count");
    return {
      uppercase: (s, ctx) => measureUppercase(() => next.uppercase(s, ctx)),
      async count(s, ctx) {
        const n = await measureCount(() => next.count(s, ctx));
        countResult.observe(n);
        return n;
      },
    };
  };
}
