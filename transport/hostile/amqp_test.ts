// P12, P15, S3, S9: frames are the business of the broker and of amqplib, messages are ours.
import * as amqp from "../amqp/mod.ts";
import { memoryBroker } from "../amqp/testing.ts";
import { background } from "@kit/endpoint";
import {
  type Answer,
  answer,
  type Ask,
  type Attack,
  codeOfCall,
  MAX_BYTES,
  type Open,
  type Question,
  question,
  STALL_MS,
  suffers,
  utf8,
} from "./_support_test.ts";

/** A peer with a connection of its own. */
interface Peer {
  readonly connection: amqp.Connection;
}

/** What a message is besides its body. */
interface Extra {
  readonly headers?: Record<string, unknown>;
  readonly properties?: amqp.Properties;
}

const open: Open<Peer> = async (service, open) => {
  const broker = memoryBroker();
  const connect = () => open.use(broker.connect({ topology: { queues: { ask: {}, evil: {} } } }));
  const handler = amqp.server(service.ask, { schema: question, maxBytes: MAX_BYTES });
  const running = open.use(amqp.serve(connect(), { ask: handler }, { signals: [] }));
  await running.ready;
  return { ask: amqp.client<Question, Answer>(connect(), { key: "ask" }), connection: connect() };
};

const encode =
  (body: Uint8Array, { headers, properties }: Extra) =>
  (_: unknown, message: amqp.OutgoingMessage) => {
    message.body = body;
    Object.assign(message.headers, headers);
    Object.assign(message.properties, properties);
  };

/** Sends a message with this body, and tells the code of the reply. */
const send =
  (body: Uint8Array, extra: Extra = {}, key = "ask") => ({ connection }: Peer): Promise<string> =>
    codeOfCall(
      amqp.client(connection, { key, encode: encode(body, extra), deadlineHeader: false }),
      5000,
    );

/** Sends a message whose reply goes elsewhere. */
const sendFor = (replyTo: string) => async ({ connection }: Peer): Promise<string> => {
  const extra = { properties: { replyTo } };
  await amqp.publish(connection, { key: "ask", encode: encode(utf8("{"), extra) })(0, background());
  return "gone";
};

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** A table within a table, and so on. */
function tables(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = { constructor: value };
  return value;
}

const good = utf8(`{"s":"x"}`);
const attacks: Attack<Peer>[] = [
  { name: "a body that is cut off", send: send(utf8(`{"s":`)), outcome: "invalid_argument" },
  { name: "no body", send: send(utf8("")), outcome: "invalid_argument" },
  { name: "a body that is no UTF-8", send: send(Uint8Array.of(0xff)), outcome: "invalid_argument" },
  {
    name: "an encoding that is none",
    send: send(good, { properties: { contentEncoding: "__proto__" } }),
    outcome: "invalid_argument",
  },
  { name: "a value of another type", send: send(utf8(`{"s":1}`)), outcome: "invalid_argument" },
  { name: "an unknown queue", send: send(good, {}, "__proto__"), outcome: "unavailable" },
  {
    name: "deep nesting",
    send: send(utf8(`{"s":${nested(30_000)}}`)),
    outcome: "invalid_argument",
  },
  {
    name: "deep nesting without an end",
    send: send(utf8("[".repeat(60_000))),
    outcome: "invalid_argument",
  },
  {
    name: "deep nesting of headers",
    send: send(utf8("{"), { headers: { a: tables(1000) } }),
    outcome: "invalid_argument",
  },
  {
    name: "a body that is too large",
    send: send(utf8(`{"s":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "resource_exhausted",
  },
  {
    name: "a deadline that is none",
    send: send(good, { headers: { "x-request-timeout-ms": [{}] } }),
    outcome: "invalid_argument",
  },
  { name: "a reply for the service itself", send: sendFor("ask"), outcome: "gone" },
  { name: "a reply for nobody", send: sendFor("amq.rabbitmq.reply-to.0"), outcome: "gone" },
];
suffers("amqp.server()", open, attacks);

interface Evil {
  readonly evil: { reply: Extra & { readonly body: Uint8Array } | undefined };
  readonly call: Ask;
}

const openEvil: Open<Evil> = async (service, stack) => {
  const { ask, connection } = await open(service, stack);
  const evil: Evil["evil"] = { reply: undefined };
  const handler: amqp.DeliveryHandler = ({ properties: { replyTo = "", correlationId = "" } }) => {
    if (evil.reply === undefined) return Promise.resolve({ reply: undefined, error: undefined });
    const { body, headers = {}, properties = {} } = evil.reply;
    const reply = {
      exchange: "",
      key: replyTo,
      mandatory: false,
      headers,
      properties: { correlationId, ...properties },
      body,
    };
    return Promise.resolve({ reply, error: undefined });
  };
  const running = stack.use(amqp.serve(connection, { evil: handler }, { signals: [] }));
  await running.ready;
  const options = { key: "evil", schema: answer, maxBytes: MAX_BYTES };
  return { ask, evil, call: amqp.client<Question, Answer>(connection, options) };
};

const get = (body: Uint8Array, extra: Extra = {}, timeoutMs = 5000) => ({ evil, call }: Evil) => {
  evil.reply = { body, ...extra };
  return codeOfCall(call, timeoutMs);
};

const replies: Attack<Evil>[] = [
  { name: "a body that is cut off", send: get(utf8(`{"v":`)), outcome: "internal" },
  { name: "no body", send: get(utf8("")), outcome: "internal" },
  { name: "a body that is no UTF-8", send: get(Uint8Array.of(0xff)), outcome: "internal" },
  { name: "a value of another type", send: get(utf8(`{"v":1}`)), outcome: "internal" },
  { name: "deep nesting", send: get(utf8(`{"v":${nested(30_000)}}`)), outcome: "internal" },
  {
    name: "a body that is too large",
    send: get(utf8(`{"v":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "resource_exhausted",
  },
  {
    name: "a code that is none",
    send: get(utf8(`{"err":[[`), {
      headers: { "kit-error-code": "__proto__", "kit-error-details": nested(999) },
    }),
    outcome: "unknown",
  },
  {
    name: "a code of another type",
    send: get(utf8("{}"), { headers: { "kit-error-code": tables(9) } }),
    outcome: "unknown",
  },
  {
    name: "the reply to another call",
    send: get(utf8(`{"v":"x"}`), { properties: { correlationId: "__proto__" } }, STALL_MS),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];
suffers("amqp.client()", openEvil, replies);
