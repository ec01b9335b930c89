/**
 * Logs what a service is asked and what it answers.
 * @module
 */
import { causes, duration, type Logger } from "@kit/log";
import type { ServiceMiddleware } from "./service.ts";

/** Writes one event a call, when it is over. */
export function logging(log: Logger): ServiceMiddleware {
  return (next) => ({
    async uppercase(input, ctx) {
      const begin = performance.now();
      let output = "";
      let err: string | null = null;
      try {
        return output = await next.uppercase(input, ctx);
      } catch (error) {
        err = causes(error);
        throw error;
      } finally {
        const took = duration(performance.now() - begin);
        log({ method: "uppercase", input, output, err, took });
      }
    },
    async count(input, ctx) {
      const begin = performance.now();
      let n = 0;
      let failed: { err?: string } = {};
      try {
        return n = await next.count(input, ctx);
      } catch (error) {
        failed = { err: causes(error) };
        throw error;
      } finally {
        log({ method: "count", input, n, ...failed, took: duration(performance.now() - begin) });
      }
    },
  });
}
