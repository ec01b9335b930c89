// P12, P15, S3, S9
import { GobResponses, GobWriter } from "../netrpc/_gob_wire.ts";
import { JsonResponses } from "../netrpc/_json_wire.ts";
import * as gob from "../netrpc/gob/mod.ts";
import * as netrpc from "../netrpc/mod.ts";
import {
  type Ask,
  type Attack,
  EvilServer,
  type EvilThen,
  exchange,
  HOST,
  joined,
  LISTEN,
  MAX_BYTES,
  type Open,
  STALL_MS,
  suffers,
  type Then,
  utf8,
  vanish,
} from "./_support_test.ts";

const types = {
  args: gob.struct("Question", { s: gob.string }),
  reply: gob.struct("Answer", { v: gob.string }),
};

interface Victim {
  readonly port: number;
}
interface Evil {
  readonly evil: EvilServer;
  readonly call: Ask;
}

type Codec = "gob" | "json";

const opens = (codec: Codec): Open<Victim> => async (service, open) => {
  const methods = netrpc.server({ "Wires.Ask": netrpc.method(service.ask, types) });
  const limits = { maxBytes: MAX_BYTES, stallTimeoutMs: STALL_MS };
  const { port } = open.use(await netrpc.serve(methods, { ...LISTEN, ...limits, codec })).addr;
  const connection = open.use(netrpc.connect(`${HOST}:${port}`, { codec }));
  return { port, ask: netrpc.client(connection, "Wires.Ask", types) };
};

const opensEvil = (codec: Codec): Open<Evil> => async (service, stack) => {
  const { ask } = await opens(codec)(service, stack);
  const evil = stack.use(new EvilServer());
  // On a connection of its own, as replies are told apart by their number.
  const call: Ask = async (question, ctx) => {
    const options = { codec, maxBytes: MAX_BYTES };
    await using connection = netrpc.connect(`${HOST}:${evil.port}`, options);
    return await netrpc.client(connection, "Wires.Ask", types)(question, ctx);
  };
  return { ask, evil, call };
};

/** Reads a reply: the code of its error, if all of it is there. */
function outcomeOf(codec: Codec, got: Uint8Array): string | undefined {
  const limits = { maxBytes: MAX_BYTES, maxDepth: 10 };
  const reader = codec === "gob" ? new GobResponses(limits) : new JsonResponses(limits);
  reader.push(got.slice());
  const header = reader.header();
  if (header === undefined) return undefined;
  return header.error === "" ? "answered" : netrpc.parseErrorText(header.error).code;
}

/** Sends bytes, and tells the code of the error that comes back. */
const sends = (codec: Codec) =>
(bytes: Uint8Array, then?: Then) =>
async (
  { port }: Victim,
): Promise<string> => {
  const until = (got: Uint8Array) => outcomeOf(codec, got) !== undefined;
  return outcomeOf(codec, await exchange(port, bytes, { then, until })) ?? "closed";
};

const get = (bytes: Uint8Array, then?: EvilThen) => ({ evil, call }: Evil) =>
  evil.answering(call, bytes, then);

/** Puts bytes in place of the last ones that are like these. */
function patched(bytes: Uint8Array, old: readonly number[], by: readonly number[]): Uint8Array {
  for (let at = bytes.length - old.length; at >= 0; at--) {
    if (!old.every((byte, i) => bytes[at + i] === byte)) continue;
    const all = bytes.slice();
    all.set(by, at);
    return all;
  }
  throw new Error("Cannot patch what is not there");
}

/** A request or a reply in gob, whose body may be of any type. */
function message<T>(kind: "request" | "reply", type: gob.GobType<T>, value: T, name = "Wires.Ask") {
  const writer = new GobWriter();
  if (kind === "request") writer.request(name, 0, type as gob.GobType<unknown>, value);
  else writer.reply(name, 0, type as gob.GobType<unknown>, value);
  return writer.take();
}

interface Nested {
  readonly in: Nested | null;
}
const Nested: gob.GobType<Nested> = gob.struct("Nested", {
  in: gob.lazy(() => gob.pointer(Nested)),
});

function nested(depth: number): Nested {
  let value: Nested = { in: null };
  for (let i = 1; i < depth; i++) value = { in: value };
  return value;
}

/** 2^31-1 as gob writes it, with a byte after it to fill a text of 5 bytes. */
const HUGE = [0xfc, 0x7f, 0xff, 0xff, 0xff];
const X5 = [5, ...utf8("xxxxx")];
const Ints = gob.struct("Question", { s: gob.slice(gob.int) });
const IntsAnswer = gob.struct("Answer", { v: gob.slice(gob.int) });
const Deep = gob.struct("Question", { s: gob.string, deep: Nested });
const DeepAnswer = gob.struct("Answer", { v: gob.string, deep: Nested });

const send = sends("gob");
const good = message("request", types.args, { s: "xxxxx" });
const number = gob.struct("Question", { s: gob.int });

const attacks: Attack<Victim>[] = [
  { name: "a message that is cut off", send: send(good.slice(0, -3), "ends"), outcome: "closed" },
  {
    name: "a message of 2^31-1 bytes",
    send: send(joined(Uint8Array.from(HUGE), good)),
    outcome: "closed",
  },
  {
    name: "a text of 2^31-1 bytes",
    send: send(patched(good, X5, [...HUGE, 0x78])),
    outcome: "invalid_argument",
  },
  {
    name: "a list of 2^31-1 items",
    send: send(patched(message("request", Ints, { s: [1, 2, 3, 4, 5] }), [5, 2, 4, 6, 8], HUGE)),
    outcome: "invalid_argument",
  },
  {
    name: "a value of another type",
    send: send(message("request", number, { s: 7 })),
    outcome: "invalid_argument",
  },
  { name: "no message", send: send(utf8("GET / HTTP/1.1\r\n\r\n".repeat(9))), outcome: "closed" },
  {
    name: "an unknown method",
    send: send(message("request", types.args, { s: "" }, "Wires.__proto__")),
    outcome: "unimplemented",
  },
  {
    name: "nesting of 2000",
    send: send(message("request", Deep, { s: "", deep: nested(2000) })),
    outcome: "resource_exhausted",
  },
  {
    name: "a message that is too large",
    send: send(message("request", types.args, { s: "x".repeat(MAX_BYTES + 10) })),
    outcome: "resource_exhausted",
  },
  { name: "a peer that stalls", send: send(good.slice(0, -3)), outcome: "closed", isSlow: true },
  {
    name: "a peer that vanishes",
    send: ({ port }) => vanish(port, good.slice(0, -3)),
    outcome: "gone",
  },
];
suffers("netrpc.serve(), gob,", opens("gob"), attacks);

const fine = message("reply", types.reply, { v: "xxxxx" });
const replies: Attack<Evil>[] = [
  { name: "silence and an end", send: get(utf8("")), outcome: "unavailable" },
  { name: "a reply that is cut off", send: get(fine.slice(0, -3)), outcome: "unavailable" },
  {
    name: "a message of 2^31-1 bytes",
    send: get(joined(Uint8Array.from(HUGE), fine), "stays"),
    outcome: "unavailable",
  },
  {
    name: "a text of 2^31-1 bytes",
    send: get(patched(fine, X5, [...HUGE, 0x78])),
    outcome: "internal",
  },
  {
    name: "a list of 2^31-1 items",
    send: get(patched(message("reply", IntsAnswer, { v: [1, 2, 3, 4, 5] }), [5, 2, 4, 6, 8], HUGE)),
    outcome: "internal",
  },
  {
    name: "a value of another type",
    send: get(message("reply", gob.struct("Answer", { v: gob.int }), { v: 7 })),
    outcome: "internal",
  },
  {
    name: "no message",
    send: get(utf8("HTTP/1.1 200\r\n\r\n".repeat(9)), "stays"),
    outcome: "unavailable",
  },
  {
    name: "nesting of 2000",
    send: get(message("reply", DeepAnswer, { v: "", deep: nested(2000) })),
    outcome: "resource_exhausted",
  },
  {
    name: "a reply that is too large",
    send: get(message("reply", types.reply, { v: "x".repeat(MAX_BYTES + 10) }), "stays"),
    outcome: "resource_exhausted",
  },
  {
    name: "a server that stalls",
    send: get(fine.slice(0, -3), "stalls"),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];
suffers("netrpc.client(), gob,", opensEvil("gob"), replies);

const sendJson = (text: string, then?: Then) => sends("json")(utf8(text), then);
const call = (params: string, method = "Wires.Ask") =>
  `{"method":"${method}","params":[${params}],"id":0}`;
const brackets = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const begun = `{"method":"Wi`;

const jsonAttacks: Attack<Victim>[] = [
  { name: "a message that is cut off", send: sendJson(begun, "ends"), outcome: "closed" },
  { name: "a value of another type", send: sendJson(call(`{"s":1}`)), outcome: "invalid_argument" },
  {
    name: "parameters that are none",
    send: sendJson(`{"method":"Wires.Ask","params":{},"id":0}`),
    outcome: "invalid_argument",
  },
  { name: "no message", send: sendJson("GET / HTTP/1.1\r\n\r\n"), outcome: "closed" },
  { name: "brackets that do not fit", send: sendJson(`{"a":[}}`), outcome: "closed" },
  {
    name: "an unknown method",
    send: sendJson(call("{}", "Wires.__proto__")),
    outcome: "unimplemented",
  },
  { name: "deep nesting", send: sendJson(call(brackets(30_000))), outcome: "closed" },
  { name: "deep nesting without an end", send: sendJson("[".repeat(60_000)), outcome: "closed" },
  {
    name: "a message that is too large",
    send: sendJson(call(`{"s":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "closed",
  },
  {
    name: "a number of 60000 digits",
    send: sendJson(call(`{"s":${"9".repeat(60_000)}}`)),
    outcome: "invalid_argument",
  },
  { name: "a peer that stalls", send: sendJson(begun), outcome: "closed", isSlow: true },
  { name: "a peer that vanishes", send: ({ port }) => vanish(port, utf8(begun)), outcome: "gone" },
];
suffers("netrpc.serve(), json,", opens("json"), jsonAttacks);

const getJson = (text: string, then?: EvilThen) => get(utf8(text), then);
const result = (value: string) => `{"id":0,"result":${value},"error":null}`;

const jsonReplies: Attack<Evil>[] = [
  { name: "silence and an end", send: getJson(""), outcome: "unavailable" },
  { name: "a reply that is cut off", send: getJson(`{"id":0,"re`), outcome: "unavailable" },
  { name: "a value of another type", send: getJson(result(`{"v":1}`)), outcome: "internal" },
  { name: "no message", send: getJson("HTTP/1.1 200\r\n\r\n", "stays"), outcome: "unavailable" },
  { name: "an error that is none", send: getJson(`{"id":0,"error":{"a":[]}}`), outcome: "unknown" },
  {
    name: "deep nesting",
    send: getJson(result(brackets(30_000)), "stays"),
    outcome: "unavailable",
  },
  {
    name: "a reply that is too large",
    send: getJson(result(`{"v":"${"x".repeat(MAX_BYTES)}"}`), "stays"),
    outcome: "unavailable",
  },
  {
    name: "a server that stalls",
    send: getJson(`{"id":0,"re`, "stalls"),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];
suffers("netrpc.client(), json,", opensEvil("json"), jsonReplies);
