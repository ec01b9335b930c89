// P12, P15, S3, S9
import * as http from "../http/mod.ts";
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
  const options = { schema: question, maxBytes: MAX_BYTES };
  const handler = http.routes({
    "POST /ask": http.server(service.ask, options),
    "POST /strict": http.server(service.ask, { ...options, strict: true }),
    "POST /echo": http.server((value: unknown) => Promise.resolve(value)),
  });
  const { port } = open.use(http.serve(handler, { ...LISTEN, bodyTimeoutMs: STALL_MS })).addr;
  const ask = http.client<Question, Answer>(`http://${HOST}:${port}/ask`);
  return Promise.resolve({ port, ask });
};

/** Sends a request as it is, and tells the status and the code of the answer. */
const send = (text: string, then: Then = "waits") => async ({ port }: Victim): Promise<string> => {
  const got = await exchangeHttp(port, text, then);
  if (got === "") return "closed";
  const status = got.slice(9, 12);
  const code = /"code":"(\w+)"/.exec(got)?.[1];
  return code === undefined ? status : `${status} ${code}`;
};

const chunked = (body: string) => head("Transfer-Encoding: chunked") + body;
const nested = (depth: number) => `{"s":${"[".repeat(depth)}${"]".repeat(depth)}}`;
const begun = head("Content-Length: 100") + `{"s":"`;

const INVALID = "400 invalid_argument";
const TOO_LARGE = "413 resource_exhausted";

const attacks: Attack<Victim>[] = [
  { name: "a head that is cut off", send: send("POST /ask HT", "ends"), outcome: "closed" },
  { name: "a body that is cut off", send: send(begun, "ends"), outcome: INVALID },
  { name: "a chunk that is cut off", send: send(chunked("9\r\n{"), "ends"), outcome: INVALID },
  {
    name: "a length of 2^31-1",
    send: send(head(`Content-Length: ${HUGE}`) + `{"s":"x"}`),
    outcome: TOO_LARGE,
  },
  {
    name: "a length of 2^64",
    send: send(head(`Content-Length: ${2n ** 64n}`) + `{"s":"x"}`),
    outcome: "400",
  },
  { name: "a negative length", send: send(head("Content-Length: -1")), outcome: "400" },
  {
    name: "a chunk of 2^31-1 bytes, cut off",
    send: send(chunked("7fffffff\r\n{"), "ends"),
    outcome: INVALID,
  },
  {
    name: "a chunk of 2^68 bytes",
    send: send(chunked(`1${"0".repeat(17)}\r\n{`)),
    outcome: "closed",
  },
  { name: "a value of another type", send: send(post(`{"s":1}`)), outcome: INVALID },
  { name: "a body that is no JSON", send: send(post(`{"s":`)), outcome: INVALID },
  { name: "no HTTP", send: send("\x16\x03\x01\x02\x00\x01\r\n\r\n"), outcome: "400" },
  { name: "an unknown path", send: send(post("{}", "/__proto__")), outcome: "404 not_found" },
  {
    name: "an unknown method",
    send: send(post("{}").replace("POST", "BREW")),
    outcome: "405 unimplemented",
  },
  { name: "deep nesting", send: send(post(nested(30_000))), outcome: INVALID },
  {
    name: "deep nesting, strictly",
    send: send(post(nested(30_000), "/strict")),
    outcome: INVALID,
  },
  {
    name: "deep nesting without an end",
    send: send(post("[".repeat(60_000))),
    outcome: INVALID,
  },
  {
    name: "deep nesting where all is taken",
    send: send(post(nested(30_000), "/echo")),
    outcome: "200",
  },
  {
    name: "a body that is too large",
    send: send(post(`{"s":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: TOO_LARGE,
  },
  {
    name: "chunks that are too large",
    send: send(chunked(`20000\r\n${"x".repeat(0x20000)}\r\n0\r\n\r\n`)),
    outcome: TOO_LARGE,
  },
  {
    name: "a head that is too large",
    send: send(head(`X: ${"x".repeat(1 << 20)}`)),
    outcome: "400",
  },
  { name: "a peer that stalls", send: send(begun), outcome: "408 deadline_exceeded", isSlow: true },
  { name: "a peer that vanishes", send: ({ port }) => vanish(port, utf8(begun)), outcome: "gone" },
];

suffers("http.serve()", open, attacks);

interface Evil {
  readonly evil: EvilServer;
  readonly call: Ask;
}

const openEvil: Open<Evil> = async (service, stack) => {
  const { ask } = await open(service, stack);
  const evil = stack.use(new EvilServer());
  const target = `http://${HOST}:${evil.port}/`;
  const call = http.client<Question, Answer>(target, { schema: answer, maxBytes: MAX_BYTES });
  return { ask, evil, call };
};

const get = (text: string, then?: EvilThen) => ({ evil, call }: Evil) =>
  evil.answering(call, utf8(text), then);

const replies: Attack<Evil>[] = [
  { name: "silence and an end", send: get(""), outcome: "unavailable" },
  { name: "a head that is cut off", send: get("HTTP/1.1 2"), outcome: "unavailable" },
  {
    name: "a body that is cut off",
    send: get(ok("Content-Length: 100") + `{"v":`),
    outcome: "unavailable",
  },
  {
    name: "a length of 2^31-1",
    send: get(ok(`Content-Length: ${HUGE}`) + "{".repeat(20), "stays"),
    outcome: "resource_exhausted",
  },
  {
    name: "a length that is none",
    send: get(ok("Content-Length: x"), "stays"),
    outcome: "unavailable",
  },
  { name: "no HTTP", send: get("SSH-2.0-x\r\n", "stays"), outcome: "unavailable" },
  { name: "a value of another type", send: get(reply(`{"v":1}`)), outcome: "internal" },
  { name: "a body that is no JSON", send: get(reply(`{"v":`)), outcome: "internal" },
  {
    name: "deep nesting",
    send: get(reply(`{"v":${"[".repeat(30_000)}${"]".repeat(30_000)}}`)),
    outcome: "internal",
  },
  {
    name: "a body that is too large",
    send: get(reply(`{"v":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "resource_exhausted",
  },
  {
    name: "an error that is no problem",
    send: get(`HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n{"code":[`),
    outcome: "unavailable",
  },
  {
    name: "a server that stalls",
    send: get(ok("Content-Length: 100") + "{", "stalls"),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];

suffers("http.client()", openEvil, replies);
