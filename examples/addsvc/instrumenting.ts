/**
 * Counts what the service has done.
 * @module
 */
import type { Provider } from "@kit/metrics";
import type { ServiceMiddleware } from "./service.ts";

/** Feeds `integers_summed` and `characters_concatenated`. */
export function instrumenting(metrics: Provider): ServiceMiddleware {
  const integers = metrics.counter("integers_summed", {
    help: "Total count of integers summed via the Sum method.",
  });
  const characters = metrics.counter("characters_concatenated", {
    help: "Total count of characters concatenated via the Concat method.",
  });
  return (next) => ({
    async sum(a, b, ctx) {
      const v = await next.sum(a, b, ctx);
      // A counter cannot fall: Go kit's service dies of a negative sum.
      integers.add(Math.abs(v));
      return v;
    },
    async concat(a, b, ctx) {
      const v = await next.concat(a, b, ctx);
      characters.add(new TextEncoder().encode(v).length);
      return v;
    },
  });
}
