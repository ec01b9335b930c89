/**
 * The service by gRPC: `ticker.Ticker`, described in `pb/ticker.proto`.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import * as grpc from "@kit/transport/grpc";
import { serviceOf, type TickerEndpoints } from "../endpoints.ts";
import * as pb from "../pb/ticker_pb.ts";
import type { Order, Position, Quote, TickerService, Watch } from "../service.ts";
import { mapped } from "./mapped.ts";

const quoteMethod = grpc.fromProto(pb.Ticker.method.getQuote);
const watchMethod = grpc.fromProto(pb.Ticker.method.watch);
const tradeMethod = grpc.fromProto(pb.Ticker.method.trade);

/** Makes the bindings. */
export function grpcBindings({ quote, watch, trade }: TickerEndpoints): grpc.Binding[] {
  return [
    grpc.server(quoteMethod, async ({ symbol }, ctx) => toQuote(await quote({ symbol }, ctx))),
    grpc.server(watchMethod, async (request, ctx) => mapped(await watch(request, ctx), toQuote)),
    grpc.server(
      tradeMethod,
      async (orders, ctx) => mapped(await trade(mapped(orders, fromOrder), ctx), toPosition),
    ),
  ];
}

/** Calls the service over a channel. */
export function grpcClient(channel: grpc.Channel): TickerService {
  const quote = grpc.client(channel, quoteMethod);
  const watch = grpc.client(channel, watchMethod);
  const trade = grpc.client(channel, tradeMethod);
  return serviceOf({
    quote: async ({ symbol }, ctx) =>
      fromQuote(await quote(create(pb.QuoteRequestSchema, { symbol }), ctx)),
    watch: async (request, ctx) => mapped(await watch(toWatch(request), ctx), fromQuote),
    trade: async (orders, ctx) => mapped(await trade(mapped(orders, toOrder), ctx), fromPosition),
  });
}

function toWatch({ symbol, everyMs, count }: Watch): pb.WatchRequest {
  return create(pb.WatchRequestSchema, {
    symbol,
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(count === undefined ? {} : { count }),
  });
}

function toQuote({ symbol, cents, seq }: Quote): pb.Quote {
  return create(pb.QuoteSchema, { symbol, cents: BigInt(cents), seq: BigInt(seq) });
}

function fromQuote({ symbol, cents, seq }: pb.Quote): Quote {
  return { symbol, cents: Number(cents), seq: Number(seq) };
}

function toOrder({ symbol, units }: Order): pb.Order {
  return create(pb.OrderSchema, { symbol, units: BigInt(units) });
}

function fromOrder({ symbol, units }: pb.Order): Order {
  return { symbol, units: Number(units) };
}

function toPosition({ symbol, units, cents }: Position): pb.Position {
  return create(pb.PositionSchema, { symbol, units: BigInt(units), cents: BigInt(cents) });
}

function fromPosition({ symbol, units, cents }: pb.Position): Position {
  return { symbol, units: Number(units), cents: Number(cents) };
}
