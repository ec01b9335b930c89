// grpc-js without Kit: `grpc_js.mjs server`, `grpc_js.mjs client HOST:PORT`.
import config from "../../transport/deno.json" with { type: "json" };
import { drive, url, variant } from "../clients/loop.mjs";
import { ready } from "../servers/_ready.ts";
import { deserialize, PATH, serialize } from "./message.ts";

// The very version that Kit is on.
const { Client, credentials, Server, ServerCredentials } = await import(
  config.imports["@grpc/grpc-js"]
);

async function serve() {
  const server = new Server();
  server.addService({
    uppercase: {
      path: PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: serialize,
      requestDeserialize: deserialize,
      responseSerialize: serialize,
      responseDeserialize: deserialize,
    },
  }, { uppercase: (call, done) => done(null, call.request.toUpperCase()) });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
  await ready(port);
  Deno.exit();
}

async function call() {
  const client = new Client(url, credentials.createInsecure());
  await drive(() =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(PATH, serialize, deserialize, "hello, world", (error, text) => {
        if (error === null) resolve(text);
        else reject(error);
      });
    })
  );
}

await (variant === "server" ? serve() : call());
