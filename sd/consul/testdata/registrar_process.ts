/**
 * A process that keeps a service registered until it is ended, so that a test can pause it.
 *
 * `deno run --allow-net registrar_process.ts AGENT SERVICE`, with the service as JSON.
 */
import { consulRegistrar } from "../registrar.ts";

const [agent, service] = Deno.args;
await consulRegistrar(JSON.parse(service!), { agent: agent! }).register();
