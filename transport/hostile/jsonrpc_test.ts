// JS5, JS13, P12, P15, S3, S9
import { serve } from "../http/mod.ts";
import * as jsonrpc from "../jsonrpc/mod.ts";
import { exchangeHttp, head, ok, post, reply } from "./_http_support_test.ts";
import {
  type Answer,
  answer,
  type Ask,
  type Attack,
  EvilServer,
  type EvilThen,
  HOST,
  HUGE,
  LISTEN,
  MAX_BYTES,
  type Open,
  type Question,
  question,
  STALL_MS,
  suffers,
  type Then,
  utf8,
  vanish,
} from "./_support_test.ts";

interface Victim {
  readonly port: number;
}

const open: Open<Victim> = (service, open) => {
  const methods = { ask: jsonrpc.method(service.ask, { schema: question }) };
  const handler = jsonrpc.server(methods, { maxBytes: MAX_BYTES });
  const { port } = open.use(serve(handler, { ...LISTEN, bodyTimeoutMs: STALL_MS })).addr;
  const ask = jsonrpc.client<Question, Answer>(`http://${HOST}:${port}/`, "ask");
  return Promise.resolve({ port, ask });
};

/** Sends a request as it is, and tells the status and the code of the error. */
const send = (text: string, then: Then = "waits") => async ({ port }: Victim): Promise<string> => {
  const got = await exchangeHttp(port, text, then);
  const code = /"error":\{"code":(-?\d+)/.exec(got)?.[1];
  return code === undefined ? got.slice(9, 12) : `${got.slice(9, 12)} ${code}`;
};

const call = (params: string, method = "ask") =>
  post(`{"jsonrpc":"2.0","method":"${method}","params":${params},"id":1}`);
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const begun = head("Content-Length: 100") + `{"jsonrpc":`;

const attacks: Attack<Victim>[] = [
  { name: "a body that is cut off", send: send(begun, "ends"), outcome: "200 -32700" },
  { name: "JSON that is cut off", send: send(post(`{"jsonrpc":`)), outcome: "200 -32700" },
  { name: "a batch that is cut off", send: send(post(`[{"jsonrpc":`)), outcome: "200 -32700" },
  {
    name: "a length of 2^31-1",
    send: send(head(`Content-Length: ${HUGE}`) + "{".repeat(20)),
    outcome: "413 -32088",
  },
  { name: "a value of another type", send: send(call(`{"s":1}`)), outcome: "200 -32602" },
  { name: "parameters that are none", send: send(call(`"x"`)), outcome: "200 -32600" },
  { name: "no request", send: send(post(`7`)), outcome: "200 -32600" },
  { name: "an unknown method", send: send(call("{}", "__proto__")), outcome: "200 -32601" },
  { name: "deep nesting", send: send(call(`{"s":${nested(30_000)}}`)), outcome: "200 -32602" },
  { name: "deep nesting of batches", send: send(post(nested(30_000))), outcome: "200 -32600" },
  {
    name: "deep nesting without an end",
    send: send(post("[".repeat(60_000))),
    outcome: "200 -32700",
  },
  {
    name: "a body that is too large",
    send: send(call(`{"s":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "413 -32088",
  },
  {
    name: "a batch of 30000 calls",
    send: send(post(`[${"1,".repeat(30_000)}1]`)),
    outcome: "200 -32600",
  },
  { name: "a peer that stalls", send: send(begun), outcome: "408", isSlow: true },
  { name: "a peer that vanishes", send: ({ port }) => vanish(port, utf8(begun)), outcome: "gone" },
];

suffers("jsonrpc.server()", open, attacks);

interface Evil {
  readonly evil: EvilServer;
  readonly call: Ask;
}

const openEvil: Open<Evil> = async (service, stack) => {
  const { ask } = await open(service, stack);
  const evil = stack.use(new EvilServer());
  const call = jsonrpc.client<Question, Answer>(`http://${HOST}:${evil.port}/`, "ask", {
    schema: answer,
    maxBytes: MAX_BYTES,
    nextId: () => 1,
  });
  return { ask, evil, call };
};

const get = (text: string, then?: EvilThen) => ({ evil, call }: Evil) =>
  evil.answering(call, utf8(text), then);

const result = (value: string, id = "1") => reply(`{"jsonrpc":"2.0","result":${value},"id":${id}}`);

const replies: Attack<Evil>[] = [
  { name: "silence and an end", send: get(""), outcome: "unavailable" },
  {
    name: "a body that is cut off",
    send: get(ok("Content-Length: 100") + `{"js`),
    outcome: "unavailable",
  },
  { name: "JSON that is cut off", send: get(reply(`{"js`)), outcome: "internal" },
  {
    name: "a length of 2^31-1",
    send: get(ok(`Content-Length: ${HUGE}`) + "{".repeat(20), "stays"),
    outcome: "resource_exhausted",
  },
  { name: "a value of another type", send: get(result(`{"v":1}`)), outcome: "internal" },
  { name: "the id of another call", send: get(result(`{"v":"x"}`, "2")), outcome: "internal" },
  { name: "a batch", send: get(reply("[]")), outcome: "internal" },
  {
    name: "an error that is none",
    send: get(reply(`{"jsonrpc":"2.0","error":{"code":"__proto__","data":[[]]},"id":1}`)),
    outcome: "unknown",
  },
  { name: "deep nesting", send: get(result(`{"v":${nested(30_000)}}`)), outcome: "internal" },
  {
    name: "a body that is too large",
    send: get(result(`{"v":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "resource_exhausted",
  },
  {
    name: "a server that stalls",
    send: get(ok("Content-Length: 100") + "{", "stalls"),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];

suffers("jsonrpc.client()", openEvil, replies);
