/** Registers an instance until it is killed: `register.ts URL PREFIX ADDRESS TTL_MS`. */
import { etcdRegistrar } from "@kit/sd/etcd";

const [endpoints, prefix, address, ttlMs] = Deno.args;
const registrar = etcdRegistrar(prefix!, address!, { endpoints: endpoints!, ttlMs: Number(ttlMs) });
await registrar.register();
