/**
 * Kit's server.
 * @module
 */
import * as grpc from "@kit/transport/grpc";
import { ready } from "../servers/_ready.ts";
import { deserialize, PATH, serialize } from "./message.ts";

const text = { serialize, deserialize };
const method = grpc.unary(PATH, { request: text, response: text });
const uppercase = grpc.server(method, (s) => Promise.resolve(s.toUpperCase()));
const running = await grpc.serve([uppercase], { listen: "127.0.0.1:0" });
await ready(running.addr.port);
Deno.exit();
