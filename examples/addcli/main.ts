/**
 * Calls a service that adds: `addcli [flags] <a> <b>`.
 *
 * ```sh
 * deno task addcli --http-addr=localhost:8081 1 2
 * deno task addcli --grpc-addr=localhost:8082 --method=concat a b
 * ```
 * @module
 */
// deno-lint-ignore-file no-console
import { background, toKitError, withTimeout } from "@kit/endpoint";
import * as grpc from "@kit/transport/grpc";
import * as netrpc from "@kit/transport/netrpc";
import * as thrift from "@kit/transport/thrift";
import {
  count,
  type Flag,
  parseFlags,
  splitArgs,
  usage,
  type Values,
  yesOrNo,
} from "../_shared/flags.ts";
import { netrpcCodec, thriftProtocol } from "../addsvc/flags.ts";
import type { AddService } from "../addsvc/service.ts";
import { grpcClient } from "../addsvc/transports/grpc.ts";
import { httpClient } from "../addsvc/transports/http.ts";
import { jsonrpcClient } from "../addsvc/transports/jsonrpc.ts";
import { netrpcClient } from "../addsvc/transports/netrpc.ts";
import { thriftClient } from "../addsvc/transports/thrift.ts";
import { quoted } from "./quoted.ts";

const address = (what: string): Flag<string> => ({
  help: `${what} address of addsvc`,
  byDefault: "",
  parse: (text) => text,
});

const flags = {
  "http-addr": address("HTTP"),
  "grpc-addr": address("gRPC"),
  "jsonrpc-addr": address("JSON-RPC"),
  "thrift-addr": address("Thrift"),
  "netrpc-addr": address("net/rpc"),
  "thrift-protocol": thriftProtocol,
  "thrift-buffer": count("taken for the sake of Go kit's; whole messages are written as they are"),
  "thrift-framed": yesOrNo("whether Thrift's messages are framed"),
  "netrpc-codec": netrpcCodec,
  "method": { ...address(""), help: "sum, concat", byDefault: "sum" },
};

/** How long a call may take. */
const TIMEOUT_MS = 5000;

/** Makes a client for the first address that is given. What it opens is closed with `open`. */
function serviceAt(given: Values<typeof flags>, open: AsyncDisposableStack): AddService {
  if (given["http-addr"] !== "") return httpClient(given["http-addr"]);
  if (given["grpc-addr"] !== "") return grpcClient(open.use(grpc.channel(given["grpc-addr"])));
  if (given["jsonrpc-addr"] !== "") return jsonrpcClient(given["jsonrpc-addr"]);
  if (given["thrift-addr"] !== "") {
    const { "thrift-protocol": protocol, "thrift-framed": framed } = given;
    return thriftClient(open.use(thrift.connect(given["thrift-addr"], { protocol, framed })));
  }
  if (given["netrpc-addr"] !== "") {
    const codec = given["netrpc-codec"];
    return netrpcClient(open.use(netrpc.connect(given["netrpc-addr"], { codec })));
  }
  throw new Error("no remote address specified");
}

/** Makes the call, and tells what came of it. */
async function call(given: Values<typeof flags>, a: string, b: string): Promise<string> {
  await using open = new AsyncDisposableStack();
  const service = serviceAt(given, open);
  using ctx = withTimeout(background(), TIMEOUT_MS);
  switch (given.method) {
    case "sum": {
      const [x, y] = [integer(a), integer(b)];
      return `${x} + ${y} = ${await service.sum(x, y, ctx)}`;
    }
    case "concat":
      return `${quoted(a)} + ${quoted(b)} = ${quoted(await service.concat(a, b, ctx))}`;
    default:
      throw new Error(`invalid method ${quoted(given.method)}`);
  }
}

function integer(text: string): number {
  const number = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new Error(`invalid integer ${quoted(text)}`);
}

async function main(args: readonly string[]): Promise<number> {
  const [given, rest] = splitArgs(flags, args);
  try {
    const values = parseFlags(flags, given);
    if (values === "help" || rest.length !== 2) {
      const text = usage("addcli", flags).replace("[flags]", "[flags] <a> <b>");
      if (values === "help") console.log(text);
      else console.error(text);
      return values === "help" ? 0 : 1;
    }
    console.log(await call(values, rest[0]!, rest[1]!));
    return 0;
  } catch (error) {
    console.error(`error: ${(error as Error).message ?? toKitError(error).message}`);
    return 1;
  }
}

Deno.exit(await main(Deno.args));
