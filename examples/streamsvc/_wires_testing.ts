/**
 * The service on its wires, for tests.
 * @module
 */
import type { Fields } from "@kit/log";
import { memory } from "@kit/metrics";
import * as grpc from "@kit/transport/grpc";
import * as http from "@kit/transport/http";
import { type Around, served, tickerEndpoints } from "./endpoints.ts";
import type { Position, Quote, TickerService } from "./service.ts";
import { grpcBindings, grpcClient } from "./transports/grpc.ts";
import { httpClient, httpRoutes } from "./transports/http.ts";

/** The wires: those of `watch` and `trade`, where they are two. */
export const WIRES = ["gRPC", "NDJSON and WebSocket", "SSE and NDJSON"] as const;
export type Wire = typeof WIRES[number];

/** A service that is served. */
export interface Serving extends AsyncDisposable {
  /** What it has logged. */
  readonly events: readonly Fields[];
  readonly metrics: ReturnType<typeof memory>;
  readonly httpPort: number;
  /** Calls it. */
  client(wire: Wire): TickerService;
}

/** Serves a service by gRPC and HTTP. */
export async function serving(
  service: TickerService,
  around: Partial<Around> = {},
): Promise<Serving> {
  const events: Fields[] = [];
  const metrics = memory();
  const log = (event: Fields) => void events.push(event);
  const limits = { rate: 1000, running: 1000, timeoutMs: 60_000 };
  const endpoints = served(tickerEndpoints(service), { log, metrics, ...limits, ...around });
  const open = new AsyncDisposableStack();
  const at = { listen: "127.0.0.1:0", drainMs: 100, signals: [] };
  const overGrpc = open.use(await grpc.serve(grpcBindings(endpoints), at));
  const overHttp = open.use(http.serve(http.routes(httpRoutes(endpoints)), at));
  const channel = open.use(grpc.channel(`127.0.0.1:${overGrpc.addr.port}`));
  const instance = `127.0.0.1:${overHttp.addr.port}`;
  return {
    events,
    metrics,
    httpPort: overHttp.addr.port,
    client: (wire) =>
      wire === "gRPC"
        ? grpcClient(channel)
        : wire === "SSE and NDJSON"
        ? httpClient(instance, { format: "sse", duplex: "ndjson" })
        : httpClient(instance),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** How large the items of {@linkcode firehose} are. */
export const ITEM_KIB = 16;
const LARGE = "x".repeat(ITEM_KIB * 1024);

/** A service that answers as fast as it is read, and tells how far it has come. */
export interface Firehose extends TickerService {
  /** How many items it has made. */
  made: number;
  /** How many orders it has taken. */
  taken: number;
  /** How many of its streams have ended. */
  ended: number;
}

/**
 * Makes a service of endless streams with large items.
 * @param pause Waited for before each item but the first three.
 */
export function firehose(pause?: () => Promise<void>): Firehose {
  async function* quotes(): AsyncGenerator<Quote> {
    try {
      for (let n = 0;; n++) {
        if (n >= 3) await pause?.();
        yield { symbol: LARGE, cents: 1, seq: ++service.made };
      }
    } finally {
      service.ended++;
    }
  }
  const service: Firehose = {
    made: 0,
    taken: 0,
    ended: 0,
    quote: () => Promise.reject(new Error("Not needed")),
    watch: () => Promise.resolve(quotes()),
    async trade(orders) {
      async function* positions(): AsyncGenerator<Position> {
        try {
          for await (const { units } of orders) {
            if (++service.taken > 3) await pause?.();
            service.made++;
            yield { symbol: LARGE, units, cents: 1 };
          }
        } finally {
          service.ended++;
        }
      }
      return await Promise.resolve(positions());
    },
  };
  return service;
}
