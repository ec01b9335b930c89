/**
 * Kit's client. Variants: `plain`, `deadline` (of the context), `timeout` (its own option).
 * @module
 */
import { background, withTimeout } from "@kit/endpoint";
import * as http from "@kit/transport/http";
import { drive, url, variant } from "./loop.mjs";

const uppercase = http.client<{ s: string }, { v: string }>(
  url,
  variant === "timeout" ? { timeoutMs: 5000 } : {},
);

async function call(): Promise<string> {
  const { v } = await uppercase({ s: "hello, world" }, background());
  return v;
}

async function callWithDeadline(): Promise<string> {
  using ctx = withTimeout(background(), 5000);
  const { v } = await uppercase({ s: "hello, world" }, ctx);
  return v;
}

await drive(variant === "deadline" ? callWithDeadline : call);
