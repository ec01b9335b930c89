/**
 * Asks a server over gRPC whether its services can be called.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { codeOf, type Endpoint } from "@kit/endpoint";
import { healthService, NUMBERS } from "./_health_proto.ts";
import type { Channel } from "./channel.ts";
import { client } from "./client.ts";
import { fromProto } from "./from_proto.ts";
import type { ServingStatus } from "./health.ts";

/**
 * Makes an endpoint that asks `grpc.health.v1.Health` how a service is. Its request is the full name
 * of the service, or `""` for the whole server.
 *
 * A service that the server does not know is `service_unknown`. A server that cannot be asked rejects,
 * with `unimplemented` if it has no health service; gRPC's balancers take such a one for healthy.
 * @param channel The way to the server.
 * @returns The endpoint.
 * @example Usage
 * ```ts
 * import { background, codeOf } from "@kit/endpoint";
 * import { channel, serve } from "@kit/transport/grpc";
 * import { healthCheck } from "@kit/transport/grpc/health-check";
 * import assert from "node:assert/strict";
 * await using running = await serve([], { listen: "127.0.0.1:0" });
 * using there = channel(`127.0.0.1:${running.addr.port}`);
 * const check = healthCheck(there);
 * await assert.rejects(check("", background()), (error) => codeOf(error) === "unimplemented");
 * ```
 */
export function healthCheck(channel: Channel): Endpoint<string, ServingStatus | "service_unknown"> {
  const { check } = healthService().method;
  const call = client(channel, fromProto(check));
  return async (service, ctx) => {
    try {
      const { status } = await call(create(check.input, { service }), ctx);
      const found = Object.entries(NUMBERS).find(([, number]) => number === status);
      return found === undefined ? "unknown" : found[0] as keyof typeof NUMBERS;
    } catch (error) {
      if (codeOf(error) === "not_found") return "service_unknown";
      throw error;
    }
  };
}
