/**
 * Go's net/rpc: endpoints as its methods, and clients of its servers, with gob or JSON.
 *
 * ```ts
 * import { background } from "@kit/endpoint";
 * import * as netrpc from "@kit/transport/netrpc";
 * import { int, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 *
 * const types = { args: struct("Args", { a: int, b: int }), reply: int };
 * const arith = netrpc.server({
 *   "Arith.Multiply": netrpc.method(({ a, b }) => Promise.resolve(a * b), types),
 * });
 * await using running = await netrpc.serve(arith, { listen: "127.0.0.1:0" });
 * await using connection = netrpc.connect(`127.0.0.1:${running.addr.port}`);
 * const multiply = netrpc.client(connection, "Arith.Multiply", types);
 * assert.equal(await multiply({ a: 7, b: 8 }, background()), 56);
 * ```
 * @module
 */
export * from "./client.ts";
export * from "./connect.ts";
export * from "./error_text.ts";
export * from "./method.ts";
export * from "./serve.ts";
export * from "./server.ts";
