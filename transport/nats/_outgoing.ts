/**
 * Makes the message of a call.
 * @module
 */
import { headers as createHeaders } from "@nats-io/nats-core";
import type { Context } from "@kit/endpoint";
import { appendOutgoing } from "../_outgoing_metadata.ts";
import type { OutgoingMessage } from "./functions.ts";
import { encodeJson } from "./_json.ts";

/** Puts a request into the message that is about to be sent. */
export type Encode<Req> = (
  request: Req,
  outgoing: OutgoingMessage,
  ctx: Context,
) => void | Promise<void>;

const EMPTY = new Uint8Array();

/** Makes a message with the outgoing metadata of the context, and has it filled. */
export function outgoingMessage<Req>(
  subject: string,
  encode: Encode<Req>,
  request: Req,
  ctx: Context,
): OutgoingMessage | Promise<OutgoingMessage> {
  const headers = createHeaders();
  appendOutgoing(ctx, headers);
  const outgoing: OutgoingMessage = { subject, data: EMPTY, headers };
  const encoded = encode(request, outgoing, ctx);
  return encoded === undefined ? outgoing : encoded.then(() => outgoing);
}

/** Puts a request as JSON into the body. */
export function encodeRequest(request: unknown, outgoing: OutgoingMessage): void {
  outgoing.data = encodeJson(request, "request");
}
