/**
 * What a request for a WebSocket has to be.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { CREDIT_PROTOCOL, PLAIN_PROTOCOL } from "./_channel.ts";
import { HttpError } from "./http_error.ts";

/** Refuses what is no request for a WebSocket, and origins that may not open one. */
export function checkUpgrade(
  { url, headers }: Request,
  origins: readonly string[] | undefined,
): void {
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new HttpError(426, "Cannot answer as the request is not for a WebSocket", {
      headers: { upgrade: "websocket", connection: "upgrade" },
    });
  }
  const origin = headers.get("origin");
  if (origin === null || origins?.includes("*")) return;
  const isAllowed = origins === undefined
    ? URL.canParse(origin) && new URL(origin).host === new URL(url).host
    : origins.includes(origin);
  if (!isAllowed) {
    throw new KitError("permission_denied", "Cannot open WebSocket from this origin");
  }
}

/** Tells which of the subprotocols that the client offers is spoken. */
export function chosenProtocol({ headers }: Request): string | undefined {
  const offered = headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim());
  return offered?.find((name) => name === CREDIT_PROTOCOL || name === PLAIN_PROTOCOL);
}
