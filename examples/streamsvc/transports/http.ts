/**
 * The service by HTTP.
 *
 * - `POST /quote`: a call, as JSON
 * - `POST /watch` and `GET /watch?symbol=`: newline-delimited JSON, or Server-Sent Events for who
 *   accepts them
 * - `GET /trade`: a WebSocket; `POST /trade`: newline-delimited JSON both ways
 * - `GET /`: a page that does all of it in a browser
 * @module
 */
import * as http from "@kit/transport/http";
import { validate } from "@kit/transport/schema";
import { z } from "zod";
import { type QuoteRequest, serviceOf, type TickerEndpoints } from "../endpoints.ts";
import { page } from "../page.ts";
import type { Order, Position, Quote, TickerService, Watch } from "../service.ts";

const symbol = z.string();
const quoteRequest: z.ZodType<QuoteRequest> = z.object({ symbol });
const watchRequest: z.ZodType<Watch> = z.object({
  symbol,
  everyMs: z.number().optional(),
  count: z.number().optional(),
});
const watchQuery: z.ZodType<Watch> = z.object({
  symbol,
  everyMs: z.coerce.number().optional(),
  count: z.coerce.number().optional(),
});
const order: z.ZodType<Order> = z.object({ symbol, units: z.int() });
const quote: z.ZodType<Quote> = z.object({ symbol: z.string(), cents: z.int(), seq: z.int() });
const position: z.ZodType<Position> = z.object({
  symbol: z.string(),
  units: z.int(),
  cents: z.int(),
});

/** Makes the table of routes. */
export function httpRoutes(endpoints: TickerEndpoints): Record<string, http.Handler> {
  const { quote, watch, trade } = endpoints;
  const decode = ({ url }: Request) =>
    validate(watchQuery, Object.fromEntries(new URL(url).searchParams), "query");
  return {
    "GET /": page,
    "POST /quote": http.server(quote, { schema: quoteRequest }),
    "POST /watch": http.streamServer(watch, { schema: watchRequest }),
    "GET /watch": http.streamServer(watch, { decode }),
    "POST /trade": http.streamServer(trade, { requests: "stream", schema: order }),
    "GET /trade": http.webSocketServer(trade, { schema: order }),
  };
}

/** Options for {@linkcode httpClient}. */
export interface HttpClientOptions {
  /**
   * How a response is streamed.
   * @default {"ndjson"}
   */
  readonly format?: "ndjson" | "sse";
  /**
   * How `trade` streams both ways.
   * @default {"websocket"}
   */
  readonly duplex?: "websocket" | "ndjson";
}

/** Calls the service at `host:port`, or at a URL. */
export function httpClient(instance: string, options: HttpClientOptions = {}): TickerService {
  const { format = "ndjson", duplex = "websocket" } = options;
  const base = instance.startsWith("http") ? instance : `http://${instance}`;
  const tradeUrl = new URL("/trade", base);
  return serviceOf({
    quote: http.client(new URL("/quote", base), { schema: quote }),
    watch: http.streamClient(new URL("/watch", base), { schema: quote, format }),
    trade: duplex === "websocket"
      ? http.webSocketClient(tradeUrl, { schema: position })
      : http.streamClient(tradeUrl, { schema: position }),
  });
}
