/**
 * AWS Lambda: endpoints, and whole HTTP handlers, as Lambda functions.
 *
 * ```ts
 * import { server } from "@kit/transport/awslambda";
 * import assert from "node:assert/strict";
 *
 * export const handler = server(({ s }: { s: string }) => Promise.resolve({ v: s.length }));
 * assert.deepEqual(await handler({ s: "hello" }), { v: 5 });
 * ```
 * @module
 */
export * from "./function_error.ts";
export * from "./handler.ts";
export * from "./http_events.ts";
export * from "./keys.ts";
export * from "./server.ts";
