/**
 * A string service that hands calls on to others.
 *
 * ```sh
 * deno task stringsvc3 --listen=:8001 &
 * deno task stringsvc3 --listen=:8002 &
 * deno task stringsvc3 --listen=:8080 --proxy=localhost:8001,localhost:8002
 * ```
 * @module
 */
import { caller, logfmt, withFields } from "@kit/log";
import { prometheus } from "@kit/metrics/prometheus";
import * as http from "@kit/transport/http";
import { addressOf, DRAIN_MS, listen, main } from "../_shared/main.ts";
import { instrumenting } from "./instrumenting.ts";
import { logging } from "./logging.ts";
import { proxy, proxying } from "./proxying.ts";
import { stringService } from "./service.ts";
import { routes } from "./transport.ts";

await main("stringsvc3", { listen, proxy }, async ({ listen, proxy }, stderr) => {
  const log = withFields(logfmt(stderr), { listen, caller });
  const metrics = prometheus({ namespace: "my_group", subsystem: "string_service" });
  await using proxyingTo = proxying(proxy, log);

  let service = stringService();
  service = proxyingTo(service);
  service = logging(log)(service);
  service = instrumenting(metrics)(service);

  const handler = http.routes({ ...routes(service), "GET /metrics": metrics.handler });
  const server = http.serve(handler, { listen, drainMs: DRAIN_MS });
  log({ msg: "HTTP", addr: addressOf(server, listen) });
  await server.finished;
});
