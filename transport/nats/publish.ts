/**
 * Sends messages that nobody replies to.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import { caller } from "../_client_call.ts";
import type { Connection } from "./connection.ts";
import { Link } from "./_link.ts";
import { encodeRequest, outgoingMessage } from "./_outgoing.ts";
import { checkSubject } from "./_subject.ts";
import type { ClientRequestFunc, OutgoingMessage } from "./functions.ts";

/**
 * Options for {@linkcode publish}.
 * @typeParam Req What is sent.
 */
export interface PublishOptions<Req> {
  /**
   * Puts a request into the message.
   * @default As JSON into the body.
   */
  readonly encode?: (request: Req, outgoing: OutgoingMessage, ctx: Context) => void | Promise<void>;
  /**
   * Run in order before the message is sent; each may change its body, its subject and its headers,
   * and derive the context.
   * @default {[]}
   */
  readonly before?: readonly ClientRequestFunc[];
  /**
   * Run in order once the message is sent or could not be, with the error then. They must not throw.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
}

/**
 * Makes an endpoint that sends a message over NATS and waits for nothing: it resolves when the
 * message is on its way to the broker. Whether anybody gets it, nobody tells.
 *
 * Sent along is the outgoing metadata of the context as headers, but no deadline, as nobody waits
 * for what comes of it. While the connection is down it rejects with `unavailable`; a message that is
 * larger than NATS takes with `resource_exhausted`.
 * @typeParam Req What is sent.
 * @param connection The connection.
 * @param subject Where to.
 * @param options Codec and hooks.
 * @returns The endpoint.
 * @throws {TypeError} If `subject` is none, or has a wildcard.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { publish } from "@kit/transport/nats";
 * import { memoryBroker } from "@kit/transport/nats/testing";
 * import assert from "node:assert/strict";
 * await using connection = memoryBroker().connect();
 * const seen: string[] = [];
 * connection.subscribe("user.created", { callback: (_, message) => seen.push(message.string()) });
 * const created = publish<{ id: number }>(connection, "user.created");
 * await created({ id: 7 }, background());
 * await connection.flush();
 * assert.deepEqual(seen, [`{"id":7}`]);
 * ```
 */
export function publish<Req>(
  connection: Connection,
  subject: string,
  options: PublishOptions<Req> = {},
): Endpoint<Req, void> {
  const { encode = encodeRequest, before = [], finalizer = [] } = options;
  checkSubject(subject);
  const link = Link.of(connection);
  return caller<Req, void, OutgoingMessage, void>({
    encode: (request, ctx) => outgoingMessage(subject, encode, request, ctx),
    before,
    send: (outgoing) => Promise.resolve(link.publish(outgoing)),
    after: [],
    decode: () => {},
    finalizer,
    timeoutMs: Infinity,
  });
}
