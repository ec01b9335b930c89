// P12, P15, S3, S9
import * as grpc from "../grpc/mod.ts";
import { frame, RawClient } from "../grpc/_raw_testing.ts";
import { field, http2Frame } from "./_http_support_test.ts";
import {
  type Answer,
  answer,
  type Ask,
  type Attack,
  EvilServer,
  type EvilThen,
  exchange,
  HOST,
  HUGE,
  joined,
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

const json = <T>(): grpc.Codec<T> => ({
  serialize: (value) => utf8(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
});
const method = grpc.unary<Question, Answer>("/kit.Wires/Ask", {
  request: json(),
  response: json(),
});

interface Victim {
  readonly port: number;
  readonly raw: RawClient;
}

const open: Open<Victim> = async (service, open) => {
  const binding = grpc.server(method, service.ask, { schema: question });
  const running = open.use(await grpc.serve([binding], { ...LISTEN, maxBytes: MAX_BYTES }));
  const { port } = running.addr;
  const channel = open.use(grpc.channel(`${HOST}:${port}`));
  return { port, raw: open.use(new RawClient(port)), ask: grpc.client(channel, method) };
};

/** Sends a request with these bytes as its body, and tells the status of the answer. */
const send =
  (body: Uint8Array, headers: Record<string, string> = {}, path = method.path) =>
  async ({ raw }: Victim): Promise<string> => {
    const { header, trailer } = await raw.call(path, headers, body);
    const status = trailer["grpc-status"] ?? header["grpc-status"];
    return status === undefined ? `HTTP ${header[":status"]}` : `${status}`;
  };

const message = (text: string, length?: number) => frame(utf8(text), 0, length);
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const NONE = new Uint8Array();
const [END_STREAM, END_HEADERS] = [1, 4];
const settings = http2Frame("settings", 0);
const hello = joined("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings);

/** Sends bytes, and tells whether the connection is closed in the end. */
const tcp = (bytes: Uint8Array, then?: Then) => async ({ port }: Victim): Promise<string> => {
  await exchange(port, bytes, { then });
  return "closed";
};

const attacks: Attack<Victim>[] = [
  { name: "a message that is cut off", send: send(message("{", 10)), outcome: "13" },
  { name: "a prefix that is cut off", send: send(message("{}").subarray(0, 3)), outcome: "13" },
  { name: "a length of 2^31-1", send: send(message(`{"s":"x"}`, HUGE)), outcome: "8" },
  { name: "a length of 2^32-1", send: send(message(`{"s":"x"}`, 2 ** 32 - 1)), outcome: "8" },
  { name: "a value of another type", send: send(message(`{"s":1}`)), outcome: "3" },
  { name: "a message that is no JSON", send: send(message("{")), outcome: "13" },
  {
    name: "an unknown method",
    send: send(message("{}"), {}, "/kit.Wires/__proto__"),
    outcome: "12",
  },
  { name: "deep nesting", send: send(message(`{"s":${nested(30_000)}}`)), outcome: "3" },
  {
    name: "a message that is too large",
    send: send(message(`{"s":"${"x".repeat(MAX_BYTES)}"}`)),
    outcome: "8",
  },
  {
    name: "gzip that is none",
    send: send(frame(utf8("x"), 1), { "grpc-encoding": "gzip" }),
    outcome: "13",
  },
  {
    name: "another content type",
    send: send(message("{}"), { "content-type": "text/plain" }),
    outcome: "HTTP 415",
  },
  { name: "no HTTP/2", send: tcp(utf8("GET / HTTP/1.1\r\n\r\n")), outcome: "closed" },
  {
    name: "a frame of 2^24-1 bytes",
    send: tcp(joined(hello, http2Frame("data", 0, NONE, 2 ** 24 - 1))),
    outcome: "closed",
  },
  {
    name: "a frame of a stream that is none",
    send: tcp(joined(hello, http2Frame("data", 0, utf8("x")))),
    outcome: "closed",
  },
  {
    name: "headers that are none",
    send: tcp(joined(hello, http2Frame("headers", END_HEADERS, utf8("\xff\xff\xff\xff\xff\xff")))),
    outcome: "closed",
  },
  {
    name: "a frame that is cut off",
    send: tcp(joined(hello, http2Frame("data", 0, NONE, 100)), "ends"),
    outcome: "closed",
  },
  {
    name: "a peer that stalls",
    send: async ({ raw }) => {
      const stream = raw.session.request({
        ":method": "POST",
        ":path": method.path,
        "content-type": "application/grpc",
        "grpc-timeout": `${STALL_MS}m`,
        te: "trailers",
      });
      const { promise, resolve } = Promise.withResolvers<string>();
      stream.on("response", (found) => resolve(`${found["grpc-status"]}`));
      stream.on("trailers", (found) => resolve(`${found["grpc-status"]}`));
      stream.on("error", () => {});
      stream.resume();
      stream.write(message("{", 10));
      const status = await promise;
      stream.close();
      return status;
    },
    outcome: "4",
    isSlow: true,
  },
  {
    name: "a peer that vanishes",
    send: ({ port }) => vanish(port, joined(hello, http2Frame("data", 0, NONE, 100))),
    outcome: "gone",
  },
];
suffers("grpc.serve()", open, attacks);

interface Evil {
  readonly evil: EvilServer;
  readonly call: Ask;
}

const openEvil: Open<Evil> = async (service, stack) => {
  const { ask } = await open(service, stack);
  const evil = stack.use(new EvilServer(settings, isRequest));
  // On a connection of its own, where its stream is the first.
  const call: Ask = async (question, ctx) => {
    using channel = grpc.channel(`${HOST}:${evil.port}`, { maxBytes: MAX_BYTES });
    return await grpc.client(channel, method, { schema: answer })(question, ctx);
  };
  return { ask, evil, call };
};

/** Whether the message of the call is there, which comes last. */
const isRequest = (bytes: Uint8Array) =>
  new TextDecoder("latin1").decode(bytes).includes(`{"s":"x"}`);

const get = (bytes: Uint8Array, then?: EvilThen) => ({ evil, call }: Evil) =>
  evil.answering(call, bytes, then);

const header = (status = "200") =>
  http2Frame(
    "headers",
    END_HEADERS,
    joined(field(":status", status), field("content-type", "application/grpc")),
  );
const trailer = (status: string) =>
  http2Frame("headers", END_HEADERS | END_STREAM, field("grpc-status", status));
const reply = (body: Uint8Array, status = "0") => {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += 16_384) {
    parts.push(http2Frame("data", 0, body.subarray(at, at + 16_384)));
  }
  return joined(header(), ...parts, trailer(status));
};

const replies: Attack<Evil>[] = [
  { name: "silence and an end", send: get(NONE), outcome: "unavailable" },
  {
    name: "no HTTP/2",
    send: get(utf8("HTTP/1.1 200 OK\r\n\r\n"), "stays"),
    outcome: "unavailable",
  },
  {
    name: "a frame that is cut off",
    send: get(joined(header(), http2Frame("data", 0, NONE, 100))),
    outcome: "unavailable",
  },
  {
    name: "a frame of 2^24-1 bytes",
    send: get(joined(header(), http2Frame("data", 0, NONE, 2 ** 24 - 1)), "stays"),
    outcome: "unavailable",
  },
  {
    name: "a message that is cut off",
    send: get(reply(message("{", 9)), "stays"),
    // To grpc-js there is no message until all of it is there.
    outcome: "unimplemented",
  },
  {
    name: "a length of 2^31-1",
    send: get(joined(header(), http2Frame("data", 0, message("{", HUGE))), "stays"),
    outcome: "resource_exhausted",
  },
  {
    name: "a value of another type",
    send: get(reply(message(`{"v":1}`)), "stays"),
    outcome: "internal",
  },
  {
    name: "a message that is no JSON",
    send: get(reply(message("{")), "stays"),
    outcome: "internal",
  },
  {
    name: "deep nesting",
    send: get(reply(message(`{"v":${nested(20_000)}}`)), "stays"),
    outcome: "internal",
  },
  {
    name: "a message compressed by nothing",
    send: get(reply(frame(utf8("{}"), 1)), "stays"),
    outcome: "unknown",
  },
  { name: "no message", send: get(reply(NONE), "stays"), outcome: "unimplemented" },
  { name: "a status that is none", send: get(reply(NONE, "abc"), "stays"), outcome: "unknown" },
  {
    name: "no status",
    send: get(joined(header(), http2Frame("data", END_STREAM, message("{}"))), "stays"),
    outcome: "internal",
  },
  {
    name: "an error of HTTP",
    send: get(joined(header("503"), http2Frame("data", END_STREAM, NONE)), "stays"),
    outcome: "unavailable",
  },
  {
    name: "a server that stalls",
    send: get(header(), "stalls"),
    outcome: "deadline_exceeded",
    isSlow: true,
  },
];
suffers("grpc.client()", openEvil, replies);
