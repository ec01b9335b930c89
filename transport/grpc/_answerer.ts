/**
 * What the calls of a binding are answered with.
 * @module
 */
import type { Context, Endpoint, KitError, Metadata } from "@kit/endpoint";
import { answer, type ServerSteps } from "../_server_call.ts";
import type { Schema } from "../schema.ts";
import type { IncomingCall } from "./_incoming_call.ts";
import type { MetadataWriter } from "./metadata_writer.ts";
import type { Method } from "./method.ts";
import type { Reply } from "./server.ts";

/** What a call is answered with: the options of its server, defaults filled in. */
export interface Answering<Req, Res> {
  readonly method: Method<Req, Res>;
  readonly endpoint: Endpoint<Req, Res>;
  readonly before: readonly ((ctx: Context, metadata: Metadata) => Context)[];
  readonly after: readonly ((ctx: Context, reply: Reply) => Context)[];
  readonly finalizer: readonly ((ctx: Context, error: unknown) => void)[];
  readonly encodeError: (error: unknown, ctx: Context, trailer: MetadataWriter) => KitError;
  readonly schema: Schema<unknown> | undefined;
  readonly compress: (message: unknown) => boolean;
  readonly onError: ((error: unknown, ctx: Context) => void) | undefined;
}

type Steps<Req, Res> = ServerSteps<Req, Res, IncomingCall, IncomingCall, void>;

/** Answers the calls of a binding. */
export class Answerer<Req, Res> {
  readonly method: Method<unknown, unknown>;
  readonly schema: Schema<unknown> | undefined;
  readonly compress: (message: unknown) => boolean;
  readonly #steps: Steps<Req, Res>;

  constructor(answering: Answering<Req, Res>) {
    const { method, endpoint, before, after, finalizer, encodeError, onError } = answering;
    this.method = method as Method<unknown, unknown>;
    this.schema = answering.schema;
    this.compress = answering.compress;
    this.#steps = {
      before: before.map((prepare) => (ctx, call) => prepare(ctx, call.metadata)),
      decode: (call) => call.decode() as Req | Promise<Req>,
      endpoint,
      after: after.map((prepare) => (ctx, call) => prepare(ctx, call.reply)),
      encode: (response, _ctx, call) => call.encode(response),
      encodeError: (error, ctx, call) => call.fail(encodeError(error, ctx, call.reply.trailer)),
      defaultError: (error, _ctx, call) => call.fail(error),
      finalizer,
      onError,
    };
  }

  answer(ctx: Context, call: IncomingCall): Promise<void> {
    return answer(this.#steps, ctx, call, call);
  }
}
