/**
 * Service discovery by ZooKeeper, over its own protocol: nothing else is needed but a server.
 *
 * TODO
 * @module
 */
export * from "./instancer.ts";
export * from "./options.ts";
export * from "./registrar.ts";
