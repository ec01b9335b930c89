/**
 * The service by HTTP: `POST /sum` and `POST /concat`.
 *
 * A broken rule is answered with 400 and `{"error":...}`, an endpoint that fails with 500 and the same.
 * @module
 */
import { type Context, type Endpoint, KitError, toKitError } from "@kit/endpoint";
import * as http from "@kit/transport/http";
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

/** Makes the handler. Go kit's answers to every method, so this one does. */
export function httpHandler({ sum, concat }: AddEndpoints): http.Handler {
  return http.routes({ "/sum": server(sum, sumRequest), "/concat": server(concat, concatRequest) });
}

function server<Req, V>(
  endpoint: Endpoint<Req, AddResponse<V>>,
  schema: z.ZodType<Req>,
): http.Handler {
  return http.server(endpoint, { schema, encode, encodeError });
}

function encode<V>({ v, err }: AddResponse<V>, ctx: Context): Response {
  return err === undefined ? json(200, { v }) : encodeError(err, ctx);
}

function encodeError(error: unknown, _ctx: Context): Response {
  return json(http.problem(error).status, { error: toKitError(error).message });
}

function json(status: number, body: unknown): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
  });
}

/** Calls the service at `host:port`, or at a URL. */
export function httpClient(instance: string): AddService {
  const base = instance.startsWith("http") ? instance : `http://${instance}`;
  const protect = careful();
  return serviceOf({
    sum: protect(client("/sum", sumReply), 30_000),
    concat: protect(client("/concat", concatReply), 10_000),
  });

  function client<Req, V>(
    path: string,
    schema: z.ZodType<{ v: V }>,
  ): Endpoint<Req, AddResponse<V>> {
    const call = http.client<Req, { v: V }>(new URL(path, base), { schema, decodeError });
    return async (request, ctx) => responseOf((await call(request, ctx)).v, "");
  }
}

/** Like Go kit's client it tells the status, which is all that there is of some errors. */
function decodeError({ status, statusText }: Response): KitError {
  return new KitError(http.codeOfStatus(status), `${status} ${statusText}`);
}
