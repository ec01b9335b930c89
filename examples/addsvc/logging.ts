/**
 * Logs what the service is asked and what it answers.
 * @module
 */
import { causes, type Logger } from "@kit/log";
import type { ServiceMiddleware } from "./service.ts";

/** Writes one event a call, when it is over. */
export function logging(log: Logger): ServiceMiddleware {
  async function logged<T>(
    method: string,
    a: T,
    b: T,
    zero: T,
    call: () => Promise<T>,
  ): Promise<T> {
    try {
      const v = await call();
      log({ method, a, b, v, err: null });
      return v;
    } catch (error) {
      log({ method, a, b, v: zero, err: causes(error) });
      throw error;
    }
  }

  return (next) => ({
    sum: (a, b, ctx) => logged("Sum", a, b, 0, () => next.sum(a, b, ctx)),
    concat: (a, b, ctx) => logged("Concat", a, b, "", () => next.concat(a, b, ctx)),
  });
}
