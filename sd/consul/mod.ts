/**
 * Consul: finds the instances of a service, and keeps one registered, over the HTTP API of an agent.
 *
 * A service registers itself, and stays registered until it says otherwise, also when the agent is
 * restarted and has forgotten it. Whoever calls it follows the registry, and keeps the last known
 * instances while the registry is away.
 *
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { endpointer } from "@kit/sd";
 * import { consulInstancer, consulRegistrar } from "@kit/sd/consul";
 * import assert from "node:assert/strict";
 *
 * const found = [{ Service: { Address: "10.0.0.7", Port: 8001 } }];
 * const options = {
 *   agent: "http://localhost:8500",
 *   fetch: () => Promise.resolve(Response.json(found)), // Left out where there is an agent.
 * };
 * // In the service:
 * await using registrar = consulRegistrar({ name: "strings", address: "10.0.0.7:8001" }, options);
 * await registrar.register();
 * // In its callers:
 * await using instancer = consulInstancer("strings", options);
 * await using strings = endpointer(
 *   instancer,
 *   ({ address }) => (text: string) => Promise.resolve(`${address} got ${text}`),
 * );
 * const [first] = await strings.ready(background());
 * assert.equal(await first?.endpoint("a", background()), "10.0.0.7:8001 got a");
 * ```
 *
 * `onStatus` is the place to log: it hears of each change once, not of each try.
 * @module
 */
export * from "./instancer.ts";
export * from "./options.ts";
export * from "./registrar.ts";
