/**
 * Service discovery by ZooKeeper. It speaks ZooKeeper's own protocol, so that nothing is needed but
 * a server.
 *
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { endpointer } from "@kit/sd";
 * import { zookeeperInstancer, zookeeperRegistrar } from "@kit/sd/zookeeper";
 *
 * const servers = "zk1:2181,zk2:2181,zk3:2181/apps";
 *
 * export async function serve(signal: AbortSignal): Promise<void> {
 *   await using registrar = zookeeperRegistrar("/services/stringsvc", {
 *     address: "10.0.0.7:8080",
 *     zone: "eu-1",
 *   }, { servers });
 *   await registrar.register(); // From now on it stays registered.
 *   await new Promise((stopped) => signal.addEventListener("abort", stopped));
 * }
 *
 * export async function call(): Promise<void> {
 *   await using instancer = zookeeperInstancer("/services/stringsvc", {
 *     servers,
 *     onStatus: ({ state, lastError }) => console.error(`ZooKeeper is ${state}`, lastError),
 *   });
 *   await using where = endpointer(instancer, ({ address }) => () => Promise.resolve(address));
 *   const [first] = await where.ready(background());
 *   console.log(await first?.endpoint({}, background()));
 * }
 * ```
 *
 * **Nodes.** Each instance is an ephemeral node below the path. It holds `host:port`, as Go kit
 * writes it, or an `Instance` as JSON if there is more to say; `encode` and `decode` make it
 * anything else. Its name is a number behind an identifier of the registrar, or `nodeName`.
 *
 * **When servers fail.** A server that is silent for two thirds of the session's timeout is given
 * up, the others are tried at once, and then again with pauses that grow to half of the timeout, or
 * to 10 s. The session is kept, and with it the node. When it has expired there is a new one: the
 * node is created again, all is read again, and watched. Meanwhile the last set stays in use, also
 * when the servers come back with nothing in them (`emptyGraceMs`). Servers that have lost their
 * state take their clients back only when the session's timeout is over.
 *
 * **Security.** Credentials and data go over the wire as they are. With `connect` the connection is
 * a secure one: `connect: ({ host, port }) => tls.connect({ host, port, servername: host })`.
 * @module
 */
export * from "./instancer.ts";
export * from "./options.ts";
export * from "./registrar.ts";
