/**
 * The service as endpoints, and endpoints as the service: servers need the one, clients the other.
 *
 * A stream is an endpoint like any other, so what wraps a call wraps a stream.
 * @module
 */
import { type AnyMiddleware, apply, chain, type Endpoint } from "@kit/endpoint";
import type { Logger } from "@kit/log";
import type { Provider } from "@kit/metrics";
import { bulkhead, instrumenting, logging, rateLimit, timeout, tokenBucket } from "@kit/middleware";
import type { Order, Position, Quote, TickerService, Watch } from "./service.ts";

/** What is asked of `quote`. */
export interface QuoteRequest {
  readonly symbol: string;
}

/** All endpoints of the service. */
export interface TickerEndpoints {
  /** A call. */
  readonly quote: Endpoint<QuoteRequest, Quote>;
  /** A server stream. */
  readonly watch: Endpoint<Watch, AsyncIterable<Quote>>;
  /** A bidirectional stream. */
  readonly trade: Endpoint<AsyncIterable<Order>, AsyncIterable<Position>>;
}

/** Makes the bare endpoints of a service. */
export function tickerEndpoints(service: TickerService): TickerEndpoints {
  return {
    quote: ({ symbol }, ctx) => service.quote(symbol, ctx),
    watch: (watch, ctx) => service.watch(watch, ctx),
    trade: (orders, ctx) => service.trade(orders, ctx),
  };
}

/** Makes the service out of endpoints that call it. */
export function serviceOf({ quote, watch, trade }: TickerEndpoints): TickerService {
  return { quote: (symbol, ctx) => quote({ symbol }, ctx), watch, trade };
}

/** What the endpoints of a server are wrapped in, and the limits that they share. */
export interface Around {
  readonly log: Logger;
  readonly metrics: Provider;
  /** How many calls may begin a second. */
  readonly rate: number;
  /** How many calls may run at once. */
  readonly running: number;
  /** How long a call may take: a stream must have ended by then. */
  readonly timeoutMs: number;
}

/**
 * Wraps the endpoints for a server, all three in the same: metrics and a log from the outside, then
 * a limit of calls a second, a limit of calls at once, and a deadline.
 *
 * A stream counts as begun once, and as running until its last item. It is logged and measured when
 * it has ended.
 */
export function served({ quote, watch, trade }: TickerEndpoints, around: Around): TickerEndpoints {
  const { log, metrics, rate, running, timeoutMs } = around;
  const labels = ["method", "code"];
  const instruments = {
    requests: metrics.counter("requests_total", { help: "Calls that have ended.", labels }),
    latency: metrics.histogram("request_duration_seconds", {
      help: "How long calls took, streams to their end.",
      labels,
    }),
  };
  const limits = chain(
    rateLimit(tokenBucket({ limit: rate, burst: rate })),
    bulkhead({ max: running }),
    timeout(timeoutMs),
  );
  const wrapped = (method: string): AnyMiddleware =>
    chain(
      instrumenting(instruments, { method, outcome: "code" }),
      logging(log, { method }),
      limits,
    );
  return {
    quote: apply(quote, wrapped("quote")),
    watch: apply(watch, wrapped("watch")),
    trade: apply(trade, wrapped("trade")),
  };
}
