/**
 * Kit's client. Variants: `plain`, `deadline` (of the context).
 * @module
 */
import { background, withTimeout } from "@kit/endpoint";
import * as grpc from "@kit/transport/grpc";
import { drive, url, variant } from "../clients/loop.mjs";
import { deserialize, PATH, serialize } from "./message.ts";

const text = { serialize, deserialize };
const method = grpc.unary(PATH, { request: text, response: text });
const uppercase = grpc.client(grpc.channel(url), method);

async function callWithDeadline(): Promise<string> {
  using ctx = withTimeout(background(), 5000);
  return await uppercase("hello, world", ctx);
}

await drive(
  variant === "deadline" ? callWithDeadline : () => uppercase("hello, world", background()),
);
