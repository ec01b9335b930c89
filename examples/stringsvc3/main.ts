/**
 * A string service that hands calls on to others.
 *
 * ```sh
 * deno task stringsvc3 --listen=:8001 &
 * deno task stringsvc3 --listen=:8002 &
 * deno task stringsvc3 --listen=:8080 --proxy=localhost:8001,localhost:8002
 * ```
 *
 * or, with a registry in between,
 *
 * ```sh
 * deno task stringsvc3 --listen=:8001 --register=consul://localhost:8500/stringsvc &
 * deno task stringsvc3 --listen=:8080 --proxy=consul://localhost:8500/stringsvc
 * ```
 * @module
 */
import { caller, logfmt, withFields } from "@kit/log";
import { prometheus } from "@kit/metrics/prometheus";
import * as http from "@kit/transport/http";
import { addressOf, DRAIN_MS, listen, main } from "../_shared/main.ts";
import { registered } from "../_shared/registry.ts";
import { instrumenting } from "./instrumenting.ts";
import { logging } from "./logging.ts";
import { proxy, proxying } from "./proxying.ts";
import { advertise, reachable, register } from "./registering.ts";
import { stringService } from "./service.ts";
import { routes } from "./transport.ts";

const flags = { listen, proxy, register, advertise };
await main("stringsvc3", flags, async ({ listen, proxy, register, advertise }, stderr) => {
  const log = withFields(logfmt(stderr), { listen, caller });
  const metrics = prometheus({ namespace: "my_group", subsystem: "string_service" });
  await using proxyingTo = proxying(proxy, log);

  let service = stringService();
  service = proxyingTo(service);
  service = logging(log)(service);
  service = instrumenting(metrics)(service);

  const handler = http.routes({ ...routes(service), "GET /metrics": metrics.handler });
  const server = http.serve(handler, { listen, drainMs: DRAIN_MS });
  const addr = addressOf(server, listen);
  log({ msg: "HTTP", addr });
  // Disposed of first, so that nobody is sent here any more when the server is gone.
  await using _ = register && registered(register, advertise || reachable(addr), log);
  await server.finished;
});
