/**
 * Service discovery: who tells where a service runs, and what turns that into endpoints.
 * @module
 */
export * from "./address.ts";
export * from "./cache.ts";
export * from "./endpointer.ts";
export * from "./factory.ts";
export * from "./fixed.ts";
export * from "./instance.ts";
export * from "./instancer.ts";
export * from "./registrar.ts";
export * from "./status.ts";
