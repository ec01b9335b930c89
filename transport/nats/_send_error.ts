/**
 * What the client of NATS throws when it cannot send, as errors of Kit.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** Tells what came in the way of sending; what is nobody's fault but the caller's stays as it is. */
export function sendError(cause: unknown, what: string, maxPayload?: number): unknown {
  if (!(cause instanceof Error)) return cause;
  if (cause.name === "ClosedConnectionError" || cause.name === "DrainingConnectionError") {
    return new KitError("unavailable", `Cannot send ${what} as the connection to NATS is closed`, {
      cause,
    });
  }
  if (cause.name === "InvalidArgumentError" && cause.message.includes("max_payload")) {
    const limit = maxPayload === undefined ? "NATS takes" : `${maxPayload} bytes`;
    return new KitError("resource_exhausted", `Cannot send ${what} as it has more than ${limit}`, {
      cause,
    });
  }
  return cause;
}
