import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { background, withTimeout } from "@kit/endpoint";
import { Buffer } from "node:buffer";
import { channel } from "./channel.ts";
import { client } from "./client.ts";
import { unary } from "./method.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

const codec = {
  serialize: (value: string) => Buffer.from(value),
  deserialize: (bytes: Uint8Array) => (bytes as Buffer).toString(),
};
const path = "/bench.Bench/Unary";
const method = unary(path, { request: codec, response: codec });

const bareServer = new Server();
bareServer.addService({
  unary: {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: codec.serialize,
    requestDeserialize: codec.deserialize,
    responseSerialize: codec.serialize,
    responseDeserialize: codec.deserialize,
  },
}, {
  unary: (call: { request: string }, done: (error: null, value: string) => void) =>
    done(null, call.request),
});
const barePort = await new Promise<number>((resolve) =>
  bareServer.bindAsync(
    "127.0.0.1:0",
    ServerCredentials.createInsecure(),
    (_, port) => resolve(port),
  )
);
const kitServer = await serve([server(method, (value) => Promise.resolve(value))], {
  listen: "127.0.0.1:0",
  signals: [],
});

function bareCalls(port: number): () => Promise<string> {
  const there = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return () =>
    new Promise((resolve, reject) =>
      there.makeUnaryRequest(
        path,
        codec.serialize,
        codec.deserialize,
        "hello",
        (error, value) => error === null ? resolve(value!) : reject(error),
      )
    );
}

function kitCalls(port: number): () => Promise<string> {
  const call = client(channel(`127.0.0.1:${port}`), method);
  return () => call("hello", background());
}

const timed = client(channel(`127.0.0.1:${kitServer.addr.port}`), method);
const ways: [string, () => Promise<string>][] = [
  ["grpc-js to grpc-js", bareCalls(barePort)],
  ["Kit to grpc-js", kitCalls(barePort)],
  ["grpc-js to Kit", bareCalls(kitServer.addr.port)],
  ["Kit to Kit", kitCalls(kitServer.addr.port)],
  ["Kit to Kit with a deadline", async () => {
    using ctx = withTimeout(background(), 10_000);
    return await timed("hello", ctx);
  }],
];
for (const [name, call] of ways) {
  Deno.bench(
    `${name}, one at a time`,
    { group: "serial", baseline: name === ways[0]![0] },
    async () => {
      await call();
    },
  );
}
for (const [name, call] of ways) {
  Deno.bench(
    `${name}, 32 at once`,
    { group: "parallel", baseline: name === ways[0]![0] },
    async () => {
      await Promise.all(Array.from({ length: 32 }, call));
    },
  );
}
