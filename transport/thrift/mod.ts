/**
 * Apache Thrift: types described by hand, servers and clients over TCP and HTTP, in the binary, the
 * compact and the JSON protocol.
 *
 * ```ts
 * import { background } from "@kit/endpoint";
 * import * as thrift from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 *
 * const { field, i64, string } = thrift;
 * const SumReply = thrift.struct("SumReply", { value: field(1, i64), err: field(2, string) });
 * const AddService = thrift.service("AddService", {
 *   Sum: thrift.method({ args: { a: field(1, i64), b: field(2, i64) }, result: SumReply }),
 * });
 *
 * const processor = thrift.server(AddService, {
 *   Sum: ({ a, b }) => Promise.resolve({ value: a + b, err: "" }),
 * });
 * await using running = thrift.serve(processor, { listen: "127.0.0.1:0" });
 * using connection = thrift.connect(`127.0.0.1:${running.addr.port}`);
 * const sum = thrift.client(connection, AddService.methods.Sum);
 * assert.deepEqual(await sum({ a: 1n, b: 2n }, background()), { value: 3n, err: "" });
 * ```
 * @module
 */
export * from "./client.ts";
export * from "./connect.ts";
export * from "./connect_http.ts";
export * from "./connection.ts";
export * from "./containers.ts";
export * from "./enumeration.ts";
export * from "./exception.ts";
export * from "./exception_type.ts";
export * from "./field.ts";
export * from "./handler.ts";
export * from "./lazy.ts";
export * from "./protocol.ts";
export * from "./serve.ts";
export * from "./server.ts";
export * from "./service.ts";
export * from "./struct.ts";
export * from "./types.ts";
export * from "./union.ts";
