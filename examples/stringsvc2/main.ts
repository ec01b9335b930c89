/**
 * A string service that logs and counts.
 *
 * ```sh
 * deno task stringsvc2
 * curl -XPOST -d'{"s":"hello, world"}' localhost:8080/uppercase
 * curl localhost:8080/metrics
 * ```
 * @module
 */
import { logfmt } from "@kit/log";
import { prometheus } from "@kit/metrics/prometheus";
import * as http from "@kit/transport/http";
import { addressOf, DRAIN_MS, listen, main } from "../_shared/main.ts";
import { instrumenting } from "./instrumenting.ts";
import { logging } from "./logging.ts";
import { stringService } from "./service.ts";
import { routes } from "./transport.ts";

await main("stringsvc2", { listen }, async ({ listen }, stderr) => {
  const log = logfmt(stderr);
  const metrics = prometheus({ namespace: "my_group", subsystem: "string_service" });

  let service = stringService();
  service = logging(log)(service);
  service = instrumenting(metrics)(service);

  const handler = http.routes({ ...routes(service), "GET /metrics": metrics.handler });
  const server = http.serve(handler, { listen, drainMs: DRAIN_MS });
  log({ msg: "HTTP", addr: addressOf(server, listen) });
  await server.finished;
});
