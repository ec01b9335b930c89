/**
 * A service that streams, by gRPC and by HTTP.
 *
 * ```sh
 * deno task streamsvc
 * deno task streamcli --grpc-addr=localhost:8082 ACME
 * curl -N 'localhost:8081/watch?symbol=ACME&everyMs=200'
 * ```
 *
 * and `http://localhost:8081/` in a browser.
 * @module
 */
import { caller, logfmt, timestampUTC, withFields } from "@kit/log";
import { prometheus } from "@kit/metrics/prometheus";
import * as grpc from "@kit/transport/grpc";
import { health } from "@kit/transport/grpc/health";
import { reflection } from "@kit/transport/grpc/reflection";
import * as http from "@kit/transport/http";
import { count } from "../_shared/flags.ts";
import { addressOf, DRAIN_MS, listen, main } from "../_shared/main.ts";
import { served, tickerEndpoints } from "./endpoints.ts";
import { Ticker } from "./pb/ticker_pb.ts";
import { tickerService } from "./service.ts";
import { grpcBindings } from "./transports/grpc.ts";
import { httpRoutes } from "./transports/http.ts";

const flags = {
  "http-addr": { ...listen, help: "HTTP listen address", byDefault: ":8081" },
  "grpc-addr": { ...listen, help: "gRPC listen address", byDefault: ":8082" },
  "rate": { ...count("how many calls may begin a second"), byDefault: "100" },
  "running": { ...count("how many calls may run at once"), byDefault: "1000" },
  "timeout-ms": { ...count("how long a call may take"), byDefault: "600000" },
};

await main("streamsvc", flags, async (flags, stderr) => {
  const log = withFields(logfmt(stderr), { ts: timestampUTC, caller });
  const metrics = prometheus({ namespace: "example", subsystem: "streamsvc" });
  const { "http-addr": httpAddr, "grpc-addr": grpcAddr, "timeout-ms": timeoutMs } = flags;
  const { rate, running } = flags;
  const around = { log, metrics, rate, running, timeoutMs };
  const endpoints = served(tickerEndpoints(tickerService()), around);

  const routes = { ...httpRoutes(endpoints), "GET /metrics": metrics.handler };
  await using httpServer = http.serve(http.routes(routes), {
    listen: httpAddr,
    drainMs: DRAIN_MS,
  });
  log({ transport: "HTTP", addr: addressOf(httpServer, httpAddr) });

  const healthy = health();
  healthy.set(Ticker.typeName, "serving");
  await using grpcServer = await grpc.serve(grpcBindings(endpoints), {
    listen: grpcAddr,
    drainMs: DRAIN_MS,
    services: [healthy.service, reflection()],
  });
  log({ transport: "gRPC", addr: addressOf(grpcServer, grpcAddr) });

  // Each stops by itself at SIGINT and SIGTERM.
  await Promise.all([httpServer.finished, grpcServer.finished]);
});
