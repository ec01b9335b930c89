/**
 * A string service.
 *
 * ```sh
 * deno task stringsvc1
 * curl -XPOST -d'{"s":"hello, world"}' localhost:8080/uppercase
 * ```
 * @module
 */
import * as http from "@kit/transport/http";
import { DRAIN_MS, listen, main } from "../_shared/main.ts";
import { stringService } from "./service.ts";
import { routes } from "./transport.ts";

await main("stringsvc1", { listen }, async ({ listen }) => {
  const service = stringService();
  const server = http.serve(http.routes(routes(service)), { listen, drainMs: DRAIN_MS });
  await server.finished;
});
