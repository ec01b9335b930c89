/**
 * A service that adds, by five wires at once.
 *
 * ```sh
 * deno task addsvc
 * deno task addcli --grpc-addr=localhost:8082 1 2
 * ```
 * @module
 */
import { caller, logfmt, timestampUTC, withFields } from "@kit/log";
import { prometheus } from "@kit/metrics/prometheus";
import * as grpc from "@kit/transport/grpc";
import * as http from "@kit/transport/http";
import * as netrpc from "@kit/transport/netrpc";
import * as thrift from "@kit/transport/thrift";
import { count, listen, yesOrNo } from "../_shared/flags.ts";
import { addressOf, DRAIN_MS, main } from "../_shared/main.ts";
import { addEndpoints, served } from "./endpoints.ts";
import { netrpcCodec, thriftProtocol } from "./flags.ts";
import { instrumenting } from "./instrumenting.ts";
import { logging } from "./logging.ts";
import { addService } from "./service.ts";
import { grpcBindings } from "./transports/grpc.ts";
import { httpHandler } from "./transports/http.ts";
import { jsonrpcHandler } from "./transports/jsonrpc.ts";
import { netrpcServer } from "./transports/netrpc.ts";
import { thriftProcessor } from "./transports/thrift.ts";

const address = (what: string, port: number) => ({
  ...listen,
  help: `${what} listen address`,
  byDefault: `:${port}`,
});

const flags = {
  "debug.addr": address("debug and metrics", 8080),
  "http-addr": address("HTTP", 8081),
  "grpc-addr": address("gRPC", 8082),
  "thrift-addr": address("Thrift", 8083),
  "jsonrpc-addr": address("JSON-RPC", 8084),
  "netrpc-addr": address("net/rpc", 8085),
  "thrift-protocol": thriftProtocol,
  "thrift-buffer": count("taken for the sake of Go kit's; whole messages are written as they are"),
  "thrift-framed": yesOrNo("whether Thrift's messages are framed"),
  "netrpc-codec": netrpcCodec,
};

await main("addsvc", flags, async (flags, stderr) => {
  const log = withFields(logfmt(stderr), { ts: timestampUTC, caller });
  const metrics = prometheus({ namespace: "example", subsystem: "addsvc" });
  const duration = metrics.histogram("request_duration_seconds", {
    help: "Request duration in seconds.",
    labels: ["method", "success"],
    kind: "summary",
  });

  const service = instrumenting(metrics)(logging(log)(addService()));
  const endpoints = served(addEndpoints(service), { log, duration });

  await using servers = new AsyncDisposableStack();
  const finished: Promise<boolean>[] = [];
  function serving(transport: string, server: Server, address: string): void {
    servers.use(server);
    finished.push(server.finished);
    log({ transport, addr: addressOf(server, address) });
  }

  const at = (listen: string) => ({ listen, drainMs: DRAIN_MS });
  const { "debug.addr": debugAddr, "http-addr": httpAddr, "jsonrpc-addr": jsonrpcAddr } = flags;
  const debug = http.routes({ "GET /metrics": metrics.handler });
  serving("debug/HTTP", http.serve(debug, at(debugAddr)), debugAddr);
  serving("HTTP", http.serve(httpHandler(endpoints), at(httpAddr)), httpAddr);

  const grpcAddr = flags["grpc-addr"];
  const grpcServer = await grpc.serve(grpcBindings(endpoints), {
    ...at(grpcAddr),
    services: [grpc.health().service, grpc.reflection()],
  });
  serving("gRPC", grpcServer, grpcAddr);

  const thriftAddr = flags["thrift-addr"];
  const thriftServer = thrift.serve(thriftProcessor(endpoints), {
    ...at(thriftAddr),
    protocol: flags["thrift-protocol"],
    framed: flags["thrift-framed"],
  });
  serving("Thrift", thriftServer, thriftAddr);

  const jsonrpcServer = http.serve(jsonrpcHandler(endpoints), at(jsonrpcAddr));
  serving("JSONRPC over HTTP", jsonrpcServer, jsonrpcAddr);

  const netrpcAddr = flags["netrpc-addr"];
  const netrpcListener = await netrpc.serve(netrpcServer(endpoints), {
    ...at(netrpcAddr),
    codec: flags["netrpc-codec"],
  });
  serving("net/rpc", netrpcListener, netrpcAddr);

  // Each stops by itself at SIGINT and SIGTERM.
  await Promise.all(finished);
});

interface Server extends AsyncDisposable {
  readonly addr: { readonly port: number };
  readonly finished: Promise<boolean>;
}
