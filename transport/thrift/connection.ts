/**
 * What clients call over.
 * @module
 */
import type { Context } from "@kit/endpoint";
import type { Protocol } from "./protocol.ts";

/** A call that is about to be sent, as `before` of a client sees it. */
export interface OutgoingCall {
  /** The name of the method. */
  readonly method: string;
  /** Whether nobody waits for its end. */
  readonly isOneway: boolean;
  /** The headers of the HTTP request, to be changed; TCP has none. */
  readonly headers: Headers | undefined;
}

/** A way to a server: {@linkcode connect} and {@linkcode connectHttp} make one. */
export interface Connection extends Disposable {
  /** The protocol of the messages. */
  readonly protocol: Protocol;
  /** Whether a call can have headers. */
  readonly hasHeaders: boolean;
  /**
   * Sends a message, and waits for its reply unless the call is oneway.
   * @param message The message.
   * @param call What it is about.
   * @param ctx The context of the call, whose signal gives it up.
   * @returns The reply; `undefined` for a oneway call.
   */
  send(message: Uint8Array, call: OutgoingCall, ctx: Context): Promise<Uint8Array | undefined>;
}
