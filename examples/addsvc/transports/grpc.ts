/**
 * The service by gRPC: `pb.Add`, described in `pb/add.proto`.
 *
 * A broken rule travels in the reply, with status OK.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import * as grpc from "@kit/transport/grpc";
import { type AddEndpoints, careful, responseOf, serviceOf } from "../endpoints.ts";
import {
  Add,
  ConcatReplySchema,
  ConcatRequestSchema,
  SumReplySchema,
  SumRequestSchema,
} from "../pb/add_pb.ts";
import type { AddService } from "../service.ts";
import { toNumber } from "./int64.ts";

const sumMethod = grpc.fromProto(Add.method.sum);
const concatMethod = grpc.fromProto(Add.method.concat);

/** Makes the bindings. */
export function grpcBindings({ sum, concat }: AddEndpoints): grpc.Binding[] {
  return [
    grpc.server(sumMethod, async ({ a, b }, ctx) => {
      const { v, err } = await sum({ a: toNumber(a), b: toNumber(b) }, ctx);
      return create(SumReplySchema, { v: BigInt(v), err: err?.message ?? "" });
    }),
    grpc.server(concatMethod, async ({ a, b }, ctx) => {
      const { v, err } = await concat({ a, b }, ctx);
      return create(ConcatReplySchema, { v, err: err?.message ?? "" });
    }),
  ];
}

/** Calls the service over a channel. */
export function grpcClient(channel: grpc.Channel): AddService {
  const sum = grpc.client(channel, sumMethod);
  const concat = grpc.client(channel, concatMethod);
  const protect = careful();
  return serviceOf({
    sum: protect(async ({ a, b }, ctx) => {
      const request = create(SumRequestSchema, { a: BigInt(a), b: BigInt(b) });
      const { v, err } = await sum(request, ctx);
      return responseOf(toNumber(v), err);
    }, 30_000),
    concat: protect(async ({ a, b }, ctx) => {
      const { v, err } = await concat(create(ConcatRequestSchema, { a, b }), ctx);
      return responseOf(v, err);
    }, 10_000),
  });
}
