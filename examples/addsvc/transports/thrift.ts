/**
 * The service by Thrift: `AddService`, in the protocol and the framing that both sides agree on.
 *
 * A broken rule travels in the reply.
 * @module
 */
import * as thrift from "@kit/transport/thrift";
import { type AddEndpoints, careful, responseOf, serviceOf } from "../endpoints.ts";
import type { AddService } from "../service.ts";
import { toNumber } from "./int64.ts";

const { field, i64, string } = thrift;

const SumReply = thrift.struct("SumReply", { value: field(1, i64), err: field(2, string) });
const ConcatReply = thrift.struct("ConcatReply", {
  value: field(1, string),
  err: field(2, string),
});

const Add = thrift.service("AddService", {
  Sum: thrift.method({ args: { a: field(1, i64), b: field(2, i64) }, result: SumReply }),
  Concat: thrift.method({
    args: { a: field(1, string), b: field(2, string) },
    result: ConcatReply,
  }),
});

/** Makes the processor. */
export function thriftProcessor({ sum, concat }: AddEndpoints): thrift.Processor {
  return thrift.server(Add, {
    Sum: async ({ a, b }, ctx) => {
      const { v, err } = await sum({ a: toNumber(a), b: toNumber(b) }, ctx);
      return { value: BigInt(v), err: err?.message ?? "" };
    },
    Concat: async ({ a, b }, ctx) => {
      const { v, err } = await concat({ a, b }, ctx);
      return { value: v, err: err?.message ?? "" };
    },
  });
}

/** Calls the service over a connection. */
export function thriftClient(connection: thrift.Connection): AddService {
  const sum = thrift.client(connection, Add.methods.Sum);
  const concat = thrift.client(connection, Add.methods.Concat);
  const protect = careful();
  return serviceOf({
    sum: protect(async ({ a, b }, ctx) => {
      const { value, err } = await sum({ a: BigInt(a), b: BigInt(b) }, ctx);
      return responseOf(toNumber(value), err);
    }, 30_000),
    concat: protect(async ({ a, b }, ctx) => {
      const { value, err } = await concat({ a, b }, ctx);
      return responseOf(value, err);
    }, 10_000),
  });
}
