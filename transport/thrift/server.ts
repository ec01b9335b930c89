/**
 * Serves the methods of a service, on any protocol and transport.
 * @module
 */
import { type Context, detach, type Endpoint, KitError, withDeadline } from "@kit/endpoint";
import { checkPositiveInteger } from "@kit/endpoint/check";
import { answer, type Finalizer, type Hook, type ServerSteps } from "../_server_call.ts";
import type { ByteReader } from "./_byte_reader.ts";
import { readerOf } from "./_codec.ts";
import { Fault } from "./_fault.ts";
import { DEFAULT_MAX_DEPTH, DEFAULT_MAX_ITEMS } from "./_limits.ts";
import { CALL, encodeError, encodeException, encodeResult, ONEWAY } from "./_message.ts";
import type { MessageHead, Protocol, Reader } from "./protocol.ts";
import type { Handlers, Method, Methods, Service } from "./service.ts";

/** A call that has come in, as `before` sees it. */
export interface IncomingCall {
  /** The name of the method. */
  readonly method: string;
  /** Whether nobody waits for its end. */
  readonly isOneway: boolean;
  /** The headers that came with it over HTTP; TCP has none. */
  readonly headers: Headers | undefined;
}

/** A reply that is about to be sent, as `after` sees it. */
export interface OutgoingReply {
  /** The name of the method. */
  readonly method: string;
  /** The headers of the HTTP response, to be changed; TCP has none. */
  readonly headers: Headers | undefined;
}

/** What a transport tells of a message. */
export interface MessageInfo {
  /** The protocol that it is in. */
  readonly protocol: Protocol;
  /** The headers that came with it, if the transport has any. */
  readonly headers?: Headers | undefined;
  /** The headers that go with the reply, if the transport has any. */
  readonly replyHeaders?: Headers | undefined;
}

/** What comes of a message. */
export interface Processed {
  /** The reply; `undefined` if the caller waits for none. */
  readonly reply: Uint8Array | undefined;
  /** Whether the message was so damaged that what follows it cannot be trusted. */
  readonly isBroken: boolean;
}

/**
 * Answers messages. It is told a message, the context of its call and how it came, and never rejects.
 */
export type Processor = (
  message: Uint8Array,
  ctx: Context,
  info: MessageInfo,
) => Promise<Processed>;

/** Options for {@linkcode server}. */
export interface ServerOptions {
  /**
   * Run in order before the arguments are decoded; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly ((ctx: Context, call: IncomingCall) => Context)[];
  /**
   * Run in order after the endpoint has answered, before the result is encoded; not run when it
   * failed. Each may derive the context, and set headers over HTTP.
   * @default {[]}
   */
  readonly after?: readonly ((ctx: Context, reply: OutgoingReply) => Context)[];
  /**
   * Run in order once the reply is encoded, whether the call failed or not. They must not throw;
   * `onError` is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Makes the error that is sent: a declared exception, or one with a code.
   * @default The error itself.
   */
  readonly encodeError?: (error: unknown, ctx: Context, call: IncomingCall) => unknown;
  /**
   * Told of every error of decoding, the endpoint and encoding, to log it. It cannot change what
   * comes of it, not even by throwing.
   */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * How deep structs and containers may be nested.
   * @default {64}
   */
  readonly maxDepth?: number;
  /**
   * How many items all containers of a message may have together.
   * @default {1048576}
   */
  readonly maxItems?: number;
}

/** A call on its way through the steps. */
interface Call extends IncomingCall {
  readonly input: ByteReader & Reader;
  readonly head: MessageHead;
  readonly info: MessageInfo;
}

/** What `after` sees, and what else the encoders need. */
interface Reply extends OutgoingReply {
  readonly call: Call;
}

type Steps = ServerSteps<unknown, unknown, Call, Reply, Uint8Array>;

/** The longest name of a method that is told back. */
const MAX_NAME = 64;

/**
 * Makes a processor of a service, for {@linkcode serve} and {@linkcode handler}.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode,
 * `finalizer` in order. A handler that throws an exception that its method declares sends that. Any
 * other error is sent as TApplicationException: of a `KitError` all that may be shown, of anything
 * else not a word.
 * @typeParam M The methods.
 * @param service The service.
 * @param handlers The endpoints, by the names of the methods.
 * @param options Hooks and limits.
 * @returns The processor.
 * @throws {TypeError} If a method has no handler.
 * @throws {RangeError} If `maxDepth` or `maxItems` is not a positive integer.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import * as thrift from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const Upper = thrift.service("Upper", {
 *   upper: thrift.method({ args: { s: thrift.field(1, thrift.string) }, result: thrift.string }),
 * });
 * const processor = thrift.server(Upper, { upper: ({ s }) => Promise.resolve(s.toUpperCase()) });
 * await using running = thrift.serve(processor, { listen: "127.0.0.1:0" });
 * using connection = thrift.connect(`127.0.0.1:${running.addr.port}`);
 * const upper = thrift.client(connection, Upper.methods.upper);
 * assert.equal(await upper({ s: "hello" }, background()), "HELLO");
 * ```
 */
export function server<M extends Methods>(
  service: Service<M>,
  handlers: Handlers<M>,
  options: ServerOptions = {},
): Processor {
  const { maxDepth = DEFAULT_MAX_DEPTH, maxItems = DEFAULT_MAX_ITEMS, onError } = options;
  checkPositiveInteger("maxDepth", maxDepth);
  checkPositiveInteger("maxItems", maxItems);
  const limits = { maxDepth, maxItems };
  const plans = new Map<string, { readonly method: Method<unknown, unknown>; steps: Steps }>();
  for (const [name, method] of Object.entries(service.methods)) {
    const handler = Object.hasOwn(handlers, name) ? handlers[name as keyof M] : undefined;
    if (typeof handler !== "function") {
      throw new TypeError(`Cannot serve "${service.name}" as method "${name}" has no handler`);
    }
    const endpoint = handler as Endpoint<unknown, unknown>;
    plans.set(name, { method, steps: stepsOf(method, endpoint, options) });
  }
  const unknown = stepsOf(undefined, () => Promise.resolve(), options);

  return async (message, parent, info) => {
    const input = readerOf(info.protocol, limits).attach(message);
    let head: MessageHead;
    try {
      head = input.messageBegin();
    } catch (cause) {
      const error = undecodable("message", cause);
      tell(onError, error, parent);
      const reply = encodeException(info.protocol, { name: "", type: 0, seqid: 0 }, error);
      return { reply, isBroken: true };
    }
    const plan = plans.get(head.name);
    const isOneway = head.type === ONEWAY || plan?.method.isOneway === true;
    const call: Call = {
      method: head.name,
      isOneway,
      headers: info.headers,
      input,
      head,
      info,
    };
    const reply: Reply = { method: head.name, headers: info.replyHeaders, call };
    // Who does not wait may go without the work being given up.
    using own = isOneway ? withDeadline(detach(parent), parent.deadline ?? Infinity) : undefined;
    const bytes = await answer(plan?.steps ?? unknown, own ?? parent, call, reply);
    return { reply: isOneway ? undefined : bytes, isBroken: false };
  };
}

function stepsOf(
  method: Method<unknown, unknown> | undefined,
  endpoint: Endpoint<unknown, unknown>,
  options: ServerOptions,
): Steps {
  const { before = [], after = [], finalizer = [], onError } = options;
  const convert = options.encodeError ?? ((error) => error);
  return {
    before: before as readonly Hook<Call>[],
    decode: (call) => decode(method, call),
    endpoint,
    after: after as readonly Hook<Reply>[],
    encode: (response, _, { call: { head, info } }) =>
      encodeResult(info.protocol, head, method!, response),
    encodeError: (error, ctx, { call }) =>
      encodeError(call.info.protocol, call.head, method?.throws ?? [], convert(error, ctx, call)),
    defaultError: (error, _, { call: { head, info } }) =>
      encodeException(info.protocol, head, error),
    finalizer: finalizer as readonly Finalizer[],
    onError,
  };
}

function decode(method: Method<unknown, unknown> | undefined, { head, input }: Call): unknown {
  if (head.type !== CALL && head.type !== ONEWAY) {
    throw new KitError("internal", "Cannot answer as the message is no call");
  }
  if (method === undefined) {
    const name = JSON.stringify(head.name.slice(0, MAX_NAME));
    throw new KitError("unimplemented", `Cannot call method ${name} as there is none`);
  }
  try {
    const request = method.args.read(input);
    input.messageEnd();
    if (!input.isAtEnd) throw new Fault("something comes after its end");
    return request;
  } catch (cause) {
    throw undecodable(`arguments of "${method.name}"`, cause);
  }
}

function undecodable(what: string, cause: unknown): KitError {
  if (!(cause instanceof Fault)) throw cause;
  return new KitError(cause.code, `Cannot decode ${what} as ${cause.reason}`);
}

function tell(onError: ServerOptions["onError"], error: unknown, ctx: Context): void {
  try {
    onError?.(error, ctx);
  } catch {
    // Who is told of an error cannot change what comes of it.
  }
}
