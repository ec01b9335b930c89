/**
 * The service as endpoints, and endpoints as the service: servers need the one, clients the other.
 *
 * A rule of the business that was broken travels inside the response, where {@linkcode Failer} finds
 * it, so that no breaker opens for it. All else that fails is an error of the endpoint.
 * @module
 */
import { type AnyMiddleware, apply, chain, type Endpoint, type Failer } from "@kit/endpoint";
import type { Logger } from "@kit/log";
import type { Histogram } from "@kit/metrics";
import { circuitBreaker, rateLimit, tokenBucket } from "@kit/middleware";
import { loggingCalls, measuringCalls } from "./calls.ts";
import { asGoKit } from "./errors.ts";
import { type AddService, BusinessError } from "./service.ts";

/** What is asked of `sum`. */
export interface SumRequest {
  readonly a: number;
  readonly b: number;
}

/** What is asked of `concat`. */
export interface ConcatRequest {
  readonly a: string;
  readonly b: string;
}

/** What is answered: a value, or the rule that was broken and the zero of the value. */
export class AddResponse<V> implements Failer {
  constructor(readonly v: V, readonly err?: BusinessError) {}

  /** Tells middleware of the failure. */
  failed(): Error | undefined {
    return this.err;
  }
}

/** All endpoints of the service. */
export interface AddEndpoints {
  readonly sum: Endpoint<SumRequest, AddResponse<number>>;
  readonly concat: Endpoint<ConcatRequest, AddResponse<string>>;
}

/** Makes the bare endpoints of a service. */
export function addEndpoints(service: AddService): AddEndpoints {
  return {
    sum: ({ a, b }, ctx) => answered(service.sum(a, b, ctx), 0),
    concat: ({ a, b }, ctx) => answered(service.concat(a, b, ctx), ""),
  };
}

async function answered<V>(call: Promise<V>, zero: V): Promise<AddResponse<V>> {
  try {
    return new AddResponse(await call);
  } catch (error) {
    if (error instanceof BusinessError) return new AddResponse(zero, error);
    throw error;
  }
}

/** What the endpoints of a server are wrapped in. */
export interface Around {
  readonly log: Logger;
  /** Labels `method` and `success`. */
  readonly duration: Histogram;
}

/**
 * Wraps the endpoints for a server, from the outside in: metrics, logs, the errors of Go kit's
 * service, a circuit breaker, and a limit of one call a second, for `concat` after the first hundred.
 */
export function served({ sum, concat }: AddEndpoints, around: Around): AddEndpoints {
  return {
    sum: apply(sum, wrapped("Sum", 1, around)),
    concat: apply(concat, wrapped("Concat", 100, around)),
  };
}

function wrapped(method: string, burst: number, { log, duration }: Around): AnyMiddleware {
  return chain(
    measuringCalls(duration, method),
    loggingCalls(log, method),
    asGoKit,
    circuitBreaker(),
    rateLimit(tokenBucket({ limit: 1, burst })),
  );
}

/** What the endpoints of a client are wrapped in: {@linkcode careful} makes it. */
export type Careful = <Req, Res>(
  endpoint: Endpoint<Req, Res>,
  openMs: number,
) => Endpoint<Req, Res>;

/**
 * Makes what each endpoint of a client is wrapped in: a circuit breaker of its own, and a limit that
 * all of them share.
 */
export function careful(): Careful {
  const limit = rateLimit(tokenBucket({ limit: 1, burst: 100 }));
  return (endpoint, openMs) => apply(endpoint, circuitBreaker({ timeoutMs: openMs }), limit);
}

/** Makes the service out of endpoints that call it. */
export function serviceOf({ sum, concat }: AddEndpoints): AddService {
  return {
    sum: async (a, b, ctx) => valueOf(await sum({ a, b }, ctx)),
    concat: async (a, b, ctx) => valueOf(await concat({ a, b }, ctx)),
  };
}

function valueOf<V>({ v, err }: AddResponse<V>): V {
  if (err !== undefined) throw err;
  return v;
}

/** Reads a response off a wire on which a broken rule is a text, and no rule an empty one. */
export function responseOf<V>(v: V, err: string): AddResponse<V> {
  return new AddResponse(v, err === "" ? undefined : new BusinessError("unknown", err));
}
