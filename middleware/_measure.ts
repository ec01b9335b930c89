/**
 * Measures calls.
 * @module
 */
import { type Clock, type Endpoint, whenDone } from "@kit/endpoint";
import { begin } from "./_begin.ts";

/** Is told how a call ended and how long it took. It must not throw. */
export type Observe<Req, Res> = (
  tookMs: number,
  error: unknown,
  request: Req,
  response: Res | undefined,
) => void;

interface Measured {
  readonly next: Endpoint<unknown, unknown>;
  readonly clock: Clock;
  readonly observers: readonly Observe<unknown, unknown>[];
}

const measured = new WeakMap<object, Measured>();

/**
 * Wraps an endpoint so as to tell `observe` of each call.
 *
 * Around an endpoint that is measured already, directly and by the same clock, it does not measure
 * again but joins in: two readings of the clock a call and one promise, for however many observers.
 */
export function measure<Req, Res>(
  next: Endpoint<Req, Res>,
  clock: Clock,
  observe: Observe<Req, Res>,
): Endpoint<Req, Res> {
  const inner = measured.get(next);
  const joined = inner?.clock === clock
    ? { ...inner, observers: [...inner.observers, observe] }
    : { next, clock, observers: [observe] };
  const endpoint = endpointOf(joined as Measured);
  measured.set(endpoint, joined as Measured);
  return endpoint as Endpoint<Req, Res>;
}

function endpointOf({ next, clock, observers }: Measured): Endpoint<unknown, unknown> {
  return (request, ctx) => {
    const startedAt = clock.now();
    return whenDone(begin(next, request, ctx), (error, response) => {
      const tookMs = clock.now() - startedAt;
      for (const observe of observers) observe(tookMs, error, request, response);
    });
  };
}
