/**
 * Endpoints and the middleware around them, the context of a call, and its errors.
 *
 * ```ts
 * import { apply, background, type Endpoint } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 *
 * const uppercase: Endpoint<string, string> = (s) => Promise.resolve(s.toUpperCase());
 * const loud = apply(uppercase, (next) => async (s, ctx) => `${await next(s, ctx)}!`);
 * assert.equal(await loud("hello", background()), "HELLO!");
 * ```
 * @module
 */
export * from "./apply.ts";
export * from "./background.ts";
export * from "./chain.ts";
export * from "./clock.ts";
export * from "./context.ts";
export * from "./delay.ts";
export * from "./derive.ts";
export * from "./endpoint.ts";
export * from "./failer.ts";
export * from "./kit_error.ts";
export * from "./metadata.ts";
export * from "./nop.ts";
export * from "./remaining.ts";
export * from "./when_done.ts";
