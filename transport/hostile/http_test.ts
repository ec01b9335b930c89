// P12, P15, S3, S9
import * as http from "../http/mod.ts";
import {
  type Answer,
  answer,
  type Ask,
  type Attack,
  codeOfCall,
  EvilServer,
  exchange,
  HOST,
  HUGE,
  LISTEN,
  MAX_BYTES,
  type Open,
  type Question,
  question,
  STALL_MS,
  suffers,
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

/** Whether a response is here with all of its body. */
function isWhole(got: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(got);
  const end = text.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  return end >= 0 && got.length >= end + 4 + Number(length ?? 0);
}

/** Sends a request as it is, and tells the status and the code of the answer. */
const send = (text: string, ends = false) => async ({ port }: Victim): Promise<string> => {
  const got = new TextDecoder().decode(
    await exchange(port, utf8(text), { ends, until: isWhole }),
  );
  if (got === "") return "closed";
  const status = got.slice(9, 12);
  const code = /"code":"(\w+)"/.exec(got)?.[1];
  return code === undefined ? status : `${status} ${code}`;
};

const head = (lines: string, path = "/ask") =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`;
const post = (body: string, path?: string) => head(`Content-Length: ${body.length}`, path) + body;
const chunked = (body: string) => head("Transfer-Encoding: chunked") + body;
const nested = (depth: number) => `{"s":${"[".repeat(depth)}${"]".repeat(depth)}}`;
const begun = head("Content-Length: 100") + `{"s":"`;

const INVALID = "400 invalid_argument";
const TOO_LARGE = "413 resource_exhausted";

const attacks: Attack<Victim>[] = [
  { name: "a head that is cut off", send: send("POST /ask HT", true), outcome: "closed" },
  { name: "a body that is cut off", send: send(begun, true), outcome: INVALID },
  { name: "a chunk that is cut off", send: send(chunked("9\r\n{"), true), outcome: INVALID },
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
    send: send(chunked("7fffffff\r\n{"), true),
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
    send: send(post(nested(100_000), "/echo")),
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

const get = (text: string, stays = false, timeoutMs?: number) => ({ evil, call }: Evil) => {
  evil.reply = { bytes: utf8(text), stays };
  return codeOfCall(call, timeoutMs);
};

const ok = (lines: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${lines}\r\n\r\n`;
const reply = (body: string) => ok(`Content-Length: ${body.length}`) + body;

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
    send: get(ok(`Content-Length: ${HUGE}`) + "{".repeat(20), true),
    outcome: "resource_exhausted",
  },
  {
    name: "a length that is none",
    send: get(ok("Content-Length: x"), true),
    outcome: "unavailable",
  },
  { name: "no HTTP", send: get("SSH-2.0-x\r\n", true), outcome: "unavailable" },
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
    send: get(ok("Content-Length: 100") + "{", true, STALL_MS),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];

suffers("http.client()", openEvil, replies);
