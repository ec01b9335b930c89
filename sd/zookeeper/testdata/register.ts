/**
 * A process that stays registered until it is killed: `register.ts PORT PATH ADDRESS TIMEOUT`.
 * @module
 */
import { zookeeperRegistrar } from "@kit/sd/zookeeper";

const [port, path, instance, sessionTimeoutMs] = Deno.args as [string, string, string, string];
const registrar = zookeeperRegistrar(path, instance, {
  servers: `127.0.0.1:${port}`,
  sessionTimeoutMs: Number(sessionTimeoutMs),
});
await registrar.register();
