// P12, P15, S3, S9: frames are the business of the broker, messages are ours.
import { headers as createHeaders } from "@nats-io/nats-core";
import * as nats from "../nats/mod.ts";
import { memoryBroker } from "../nats/testing.ts";
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
  readonly connection: nats.Connection;
}

const open: Open<Peer> = async (service, open) => {
  const broker = memoryBroker();
  const handler = nats.server(service.ask, { schema: question, maxBytes: MAX_BYTES });
  const running = open.use(
    nats.serve(open.use(broker.connect()), { ask: handler }, { signals: [] }),
  );
  await running.ready;
  const ask = nats.client<Question, Answer>(open.use(broker.connect()), "ask");
  return { ask, connection: open.use(broker.connect()) };
};

/** Sends a message with this body, and tells the code of the reply. */
const send =
  (body: Uint8Array, headers: Record<string, string> = {}, subject = "ask") =>
  ({ connection }: Peer): Promise<string> =>
    codeOfCall(
      nats.client(connection, subject, {
        encode: (_, outgoing) => {
          for (const [name, value] of Object.entries(headers)) outgoing.headers.set(name, value);
          outgoing.data = body;
        },
        deadlineHeader: false,
      }),
      5000,
    );

/** Sends a message whose reply goes elsewhere. */
const sendFor = (reply: string) => async ({ connection }: Peer): Promise<string> => {
  connection.publish("ask", utf8(`{"s":`), { reply });
  await connection.flush();
  return "gone";
};

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const attacks: Attack<Peer>[] = [
  { name: "a body that is cut off", send: send(utf8(`{"s":`)), outcome: "invalid_argument" },
  { name: "no body", send: send(utf8("")), outcome: "invalid_argument" },
  { name: "a body that is no UTF-8", send: send(Uint8Array.of(0xff)), outcome: "invalid_argument" },
  { name: "a value of another type", send: send(utf8(`{"s":1}`)), outcome: "invalid_argument" },
  { name: "an unknown subject", send: send(utf8("{}"), {}, "__proto__"), outcome: "unavailable" },
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
    name: "a body that is too large",
    send: send(utf8(`{"s":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "resource_exhausted",
  },
  {
    name: "a deadline that is none",
    send: send(utf8(`{"s":"x"}`), { "x-request-timeout-ms": "-1e999" }),
    outcome: "invalid_argument",
  },
  { name: "a reply for the service itself", send: sendFor("ask"), outcome: "gone" },
  { name: "a reply for nobody", send: sendFor("_INBOX.gone"), outcome: "gone" },
  { name: "a reply for a subject that is none", send: sendFor("a b\r\nPUB x 1"), outcome: "gone" },
];
suffers("nats.server()", open, attacks);

interface Evil {
  readonly evil: { reply: (message: nats.Message) => void };
  readonly call: Ask;
}

const openEvil: Open<Evil> = async (service, stack) => {
  const { ask, connection } = await open(service, stack);
  const evil: Evil["evil"] = { reply: () => {} };
  connection.subscribe("evil", { callback: (_, message) => evil.reply(message) });
  const options = { schema: answer, maxBytes: MAX_BYTES };
  return { ask, evil, call: nats.client<Question, Answer>(connection, "evil", options) };
};

const getBy =
  (reply: (message: nats.Message) => void, timeoutMs = 5000) => ({ evil, call }: Evil) => {
    evil.reply = reply;
    return codeOfCall(call, timeoutMs);
  };
const get = (body: Uint8Array, named: Record<string, string> = {}) =>
  getBy((message) => {
    const headers = createHeaders();
    for (const [name, value] of Object.entries(named)) headers.set(name, value);
    message.respond(body, { headers });
  });

const replies: Attack<Evil>[] = [
  { name: "a body that is cut off", send: get(utf8(`{"v":`)), outcome: "internal" },
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
      "kit-error-code": "__proto__",
      "kit-error-details": nested(999),
    }),
    outcome: "unknown",
  },
  {
    name: "a status that is none",
    send: get(utf8(""), { "Nats-Service-Error-Code": "1e999" }),
    outcome: "unknown",
  },
  {
    name: "two replies",
    send: getBy((message) => {
      message.respond(utf8("{"));
      message.respond(utf8(`{"v":"late"}`));
    }),
    outcome: "internal",
  },
  {
    name: "a server that stalls",
    send: getBy(() => {}, STALL_MS),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];
suffers("nats.client()", openEvil, replies);
