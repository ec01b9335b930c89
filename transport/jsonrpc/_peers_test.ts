/**
 * What the integration tests of this folder share. Named as a test, so that it is not published.
 * @module
 */
import assert from "node:assert/strict";
import { type Context, KitError } from "@kit/endpoint";
import { type HttpServer, serve } from "../http/serve.ts";
import { soon } from "../http/_support_test.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import { method } from "./method.ts";
import { server } from "./server.ts";

interface Pair {
  a: number;
  b: number;
}

function sum({ a, b }: Pair): Promise<{ v: number }> {
  if (typeof a !== "number" || typeof b !== "number") {
    throw new KitError("invalid_argument", "Cannot add what is no number");
  }
  return Promise.resolve({ v: a + b });
}

/** Serves what the clients of the peers call. */
export function kit(notes: unknown[] = []): HttpServer {
  const methods = {
    sum: method(sum, { names: ["a", "b"] }),
    fail: method((): Promise<never> =>
      Promise.reject(new KitError("not_found", `Cannot find "7"`, { retryAfterMs: 20 }))
    ),
    secret: method((): Promise<never> => Promise.reject(new Error("password=hunter2"))),
    own: method((): Promise<never> =>
      Promise.reject(new JsonRpcError(1001, "Full", { data: { seats: 0 } }))
    ),
    note: method(([text]: [string]) => Promise.resolve(void notes.push(text))),
    notes: method(() => Promise.resolve(notes)),
    who: method((_: unknown, ctx: Context) =>
      Promise.resolve({
        id: ctx.metadata.get("x-request-id"),
        isTimed: ctx.deadline !== undefined,
      })
    ),
  };
  return serve(server(methods), { listen: "127.0.0.1:0", signals: [] });
}

/** Where a port is called. */
export function urlOf(port: number | string): string {
  return `http://127.0.0.1:${port}/`;
}

/** Runs the server of a peer, which writes its port, while `use` runs. */
export async function withPeer(
  command: Deno.Command,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const child = command.spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value } = await soon(reader.read(), 20_000);
    await use(urlOf(value!.trim()));
  } finally {
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
  }
}

/** Runs the client of a peer to its end, and tells what it writes. */
export async function answersOf<T>(command: Deno.Command): Promise<T> {
  const { success, stdout, stderr } = await soon(command.output(), 30_000);
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
