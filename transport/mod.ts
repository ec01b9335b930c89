/**
 * Transports: endpoints as servers and clients of a wire, one folder a wire, and validation by
 * Standard Schema, which they share.
 *
 * ```ts
 * import { background } from "@kit/endpoint";
 * import * as http from "@kit/transport/http";
 * import assert from "node:assert/strict";
 *
 * const uppercase = http.server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * await using running = http.serve(http.routes({ "POST /uppercase": uppercase }), {
 *   listen: "127.0.0.1:0",
 * });
 * const url = `http://127.0.0.1:${running.addr.port}/uppercase`;
 * const call = http.client<{ s: string }, { v: string }>(url);
 * assert.deepEqual(await call({ s: "hello" }, background()), { v: "HELLO" });
 * ```
 * @module
 */
export * from "./schema.ts";
