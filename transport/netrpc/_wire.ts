/**
 * What a codec does with the messages of a connection.
 * @module
 */
import type { KitError } from "@kit/endpoint";
import type { GobType } from "./gob/type.ts";

/** The codecs of Go's net/rpc: gob, and JSON as net/rpc/jsonrpc has it. */
export type Codec = "gob" | "json";

/** How deep values may lie in each other. */
export const MAX_DEPTH = 500;

/** How sockets are set up: a small message goes at once, and a peer that has vanished is noticed. */
export const SOCKET = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 } as const;

/** Which call a message belongs to: a number, or for JSON what the peer has sent, as it was. */
export type CallId = number | bigint | string;

/** What comes before the arguments. */
export interface RequestHeader {
  readonly method: string;
  readonly id: CallId;
}

/** What comes before the reply. */
export interface ResponseHeader {
  readonly id: CallId;
  /** Empty if the call went well. */
  readonly error: string;
}

/**
 * Reads messages, each a header and a body. What is wrong with a body concerns its call only, unless
 * `error` is set then; whatever else is thrown ends the connection.
 */
export interface MessageReader<Header> {
  readonly error: KitError | undefined;
  /** Whether a message has come in part. */
  readonly isPending: boolean;
  push(bytes: Uint8Array): void;
  header(): Header | undefined;
  /** Reads the body; without a type, passes over it. */
  body(type: GobType<unknown> | undefined): { readonly value: unknown } | undefined;
}

/** Writes messages. What it throws is the body's fault, and nothing is written then. */
export interface MessageWriter {
  request(method: string, id: number, type: GobType<unknown>, args: unknown): void;
  reply(method: string, id: CallId, type: GobType<unknown>, reply: unknown): void;
  fail(method: string, id: CallId, text: string): void;
  /** Hands over what was written. */
  take(): Uint8Array<ArrayBuffer>;
}
