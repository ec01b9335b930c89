/**
 * The service by Go's net/rpc: `Add.Sum` and `Add.Concat`. In Go:
 *
 * ```go
 * type SumArgs struct{ A, B int }
 * type SumReply struct {
 *   V   int
 *   Err string
 * }
 * ```
 *
 * and so on. A broken rule travels in the reply.
 * @module
 */
import * as netrpc from "@kit/transport/netrpc";
import { int, string, struct } from "@kit/transport/netrpc/gob";
import { type AddEndpoints, careful, responseOf, serviceOf } from "../endpoints.ts";
import type { AddService } from "../service.ts";

const SUM = {
  args: struct("SumArgs", { a: int, b: int }),
  reply: struct("SumReply", { v: int, err: string }),
};
const CONCAT = {
  args: struct("ConcatArgs", { a: string, b: string }),
  reply: struct("ConcatReply", { v: string, err: string }),
};

/** Makes the methods. */
export function netrpcServer({ sum, concat }: AddEndpoints): netrpc.NetrpcServer {
  return netrpc.server({
    "Add.Sum": netrpc.method(async (request, ctx) => {
      const { v, err } = await sum(request, ctx);
      return { v, err: err?.message ?? "" };
    }, SUM),
    "Add.Concat": netrpc.method(async (request, ctx) => {
      const { v, err } = await concat(request, ctx);
      return { v, err: err?.message ?? "" };
    }, CONCAT),
  });
}

/** Calls the service over a connection. */
export function netrpcClient(connection: netrpc.NetrpcConnection): AddService {
  const sum = netrpc.client(connection, "Add.Sum", SUM);
  const concat = netrpc.client(connection, "Add.Concat", CONCAT);
  const protect = careful();
  return serviceOf({
    sum: protect(async (request, ctx) => {
      const { v, err } = await sum(request, ctx);
      return responseOf(v, err);
    }, 30_000),
    concat: protect(async (request, ctx) => {
      const { v, err } = await concat(request, ctx);
      return responseOf(v, err);
    }, 10_000),
  });
}
