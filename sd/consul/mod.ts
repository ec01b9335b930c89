/**
 * Consul: finds the instances of a service, and keeps one registered, over the HTTP API of an agent.
 *
 * A service registers itself, and stays registered until it says otherwise, also when the agent is
 * restarted and has forgotten it. Whoever calls it follows the registry, and keeps the last known
 * instances while the registry is away.
 *
 * ```ts ignore
 * import { endpointer } from "@kit/sd";
 * import { consulInstancer, consulRegistrar } from "@kit/sd/consul";
 *
 * // In the service:
 * await using registrar = consulRegistrar({
 *   name: "stringsvc",
 *   address: "10.0.0.7:8001",
 *   tags: ["prod"],
 *   version: "1.4.0",
 * });
 * await registrar.register();
 *
 * // In its callers:
 * await using instancer = consulInstancer("stringsvc", {
 *   agent: "http://localhost:8500",
 *   tags: ["prod"],
 *   onStatus: ({ state, lastError }) => console.log("consul", state, lastError?.message),
 * });
 * await using strings = endpointer(instancer, factory);
 * ```
 * @module
 */
export * from "./instancer.ts";
export * from "./options.ts";
export * from "./registrar.ts";
