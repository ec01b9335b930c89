/**
 * Logs and times the calls of an endpoint, in the words of Go kit's service.
 * @module
 */
import { type AnyMiddleware, whenDone } from "@kit/endpoint";
import { causes, duration, type Logger } from "@kit/log";
import type { Histogram } from "@kit/metrics";

/** Writes one event a call, when it is over. A broken rule of the business is no error of it. */
export function loggingCalls(log: Logger, method: string): AnyMiddleware {
  return (next) => (request, ctx) => {
    const begin = performance.now();
    return whenDone(next(request, ctx), (error) => {
      const transport_error = error === undefined ? null : causes(error);
      log({ method, transport_error, took: duration(performance.now() - begin) });
    });
  };
}

/** Observes how long each call takes, in seconds. */
export function measuringCalls(histogram: Histogram, method: string): AnyMiddleware {
  const good = histogram.with({ method, success: "true" });
  const bad = histogram.with({ method, success: "false" });
  return (next) => (request, ctx) => {
    const begin = performance.now();
    return whenDone(next(request, ctx), (error) => {
      (error === undefined ? good : bad).observe((performance.now() - begin) / 1000);
    });
  };
}
