/**
 * The service by JSON-RPC 2.0: the methods `sum` and `concat`, at the root.
 * @module
 */
import type { Endpoint } from "@kit/endpoint";
import type { Handler } from "@kit/transport/http";
import * as jsonrpc from "@kit/transport/jsonrpc";
import type { z } from "zod";
import {
  type AddEndpoints,
  type AddResponse,
  careful,
  responseOf,
  serviceOf,
} from "../endpoints.ts";
import { concatReply, concatRequest, sumReply, sumRequest } from "../json.ts";
import type { AddService } from "../service.ts";

/** Makes the handler. A broken rule is an error here: Go kit's service answers it with a zero. */
export function jsonrpcHandler({ sum, concat }: AddEndpoints): Handler {
  return jsonrpc.server(
    { sum: method(sum, sumRequest), concat: method(concat, concatRequest) },
    { lenient: true },
  );
}

function method<Req, V>(
  endpoint: Endpoint<Req, AddResponse<V>>,
  schema: z.ZodType<Req>,
): jsonrpc.Method {
  return jsonrpc.method(endpoint, {
    schema,
    encode({ v, err }) {
      if (err !== undefined) throw err;
      return { v };
    },
  });
}

/** Calls the service at `host:port`, or at a URL. */
export function jsonrpcClient(instance: string): AddService {
  const base = instance.startsWith("http") ? instance : `http://${instance}`;
  const protect = careful();
  return serviceOf({
    sum: protect(client("sum", sumReply), 30_000),
    concat: protect(client("concat", concatReply), 30_000),
  });

  function client<Req, V>(
    name: string,
    schema: z.ZodType<{ v: V }>,
  ): Endpoint<Req, AddResponse<V>> {
    const call = jsonrpc.client<Req, { v: V }>(base, name, { schema });
    return async (request, ctx) => responseOf((await call(request, ctx)).v, "");
  }
}
