/**
 * Reads and writes the streams of streamsvc: `streamcli [flags] [symbol]`.
 *
 * ```sh
 * deno task streamcli --grpc-addr=localhost:8082 ACME
 * deno task streamcli --http-addr=localhost:8081 --every-ms=100 --count=5 GLOBEX
 * printf 'ACME 10\nACME -4\n' | deno task streamcli --grpc-addr=localhost:8082 --method=trade
 * ```
 *
 * Ctrl-C cancels the call.
 * @module
 */
// deno-lint-ignore-file no-console
import {
  background,
  type Context,
  KitError,
  toKitError,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import * as grpc from "@kit/transport/grpc";
import {
  count,
  type Flag,
  oneOf,
  parseFlags,
  splitArgs,
  usage,
  type Values,
} from "../_shared/flags.ts";
import type { TickerService } from "../streamsvc/service.ts";
import { grpcClient } from "../streamsvc/transports/grpc.ts";
import { httpClient } from "../streamsvc/transports/http.ts";
import { money, orders } from "./text.ts";

const address = (what: string): Flag<string> => ({
  help: `${what} address of streamsvc`,
  byDefault: "",
  parse: (text) => text,
});

const flags = {
  "http-addr": address("HTTP"),
  "grpc-addr": address("gRPC"),
  "method": oneOf("what to call; trade reads orders, a line each", ["watch", "quote", "trade"]),
  "every-ms": { ...count("how long to wait between two quotes"), byDefault: "1000" },
  "count": count("after how many quotes to end; 0 is never"),
  "timeout-ms": count("how long the call may take; 0 is for ever"),
};

/** What shells tell of a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** Makes a client for the first address that is given. What it opens is closed with `open`. */
function serviceAt(given: Values<typeof flags>, open: DisposableStack): TickerService {
  if (given["http-addr"] !== "") return httpClient(given["http-addr"]);
  if (given["grpc-addr"] !== "") return grpcClient(open.use(grpc.channel(given["grpc-addr"])));
  throw new Error("no remote address specified");
}

/** Makes the call, and prints each item as it comes. */
async function call(given: Values<typeof flags>, symbol: string, ctx: Context): Promise<void> {
  using open = new DisposableStack();
  const service = serviceAt(given, open);
  switch (given.method) {
    case "quote": {
      const { cents } = await service.quote(symbol, ctx);
      return console.log(`${symbol} ${money(cents)}`);
    }
    case "watch": {
      const watch = { symbol, everyMs: given["every-ms"], count: given.count || undefined };
      for await (const { cents, seq } of await service.watch(watch, ctx)) {
        console.log(`${symbol} ${money(cents)} (${seq})`);
      }
      return;
    }
    case "trade": {
      const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
      for await (const { symbol, units, cents } of await service.trade(orders(lines), ctx)) {
        console.log(`${units} ${symbol} for ${money(cents)}`);
      }
    }
  }
}

/** Runs a program until Ctrl-C, and tells its exit code. */
async function interruptible(program: (ctx: Context) => Promise<void>): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort(new KitError("cancelled", "Interrupted"));
  Deno.addSignalListener("SIGINT", onSignal);
  using ctx = withSignal(background(), interrupt.signal);
  try {
    await program(ctx);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    const { code, message } = toKitError(error);
    console.error(`error: ${code === "unknown" ? (error as Error).message : message} (${code})`);
    return 1;
  } finally {
    Deno.removeSignalListener("SIGINT", onSignal);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const [given, rest] = splitArgs(flags, args);
  const help = () => usage("streamcli", flags).replace("[flags]", "[flags] [symbol]");
  try {
    const values = parseFlags(flags, given);
    if (values === "help" || rest.length > 1) {
      if (values === "help") console.log(help());
      else console.error(help());
      return values === "help" ? 0 : 1;
    }
    const timeoutMs = values["timeout-ms"] || Infinity;
    return await interruptible(async (parent) => {
      using ctx = withTimeout(parent, timeoutMs);
      await call(values, rest[0] ?? "ACME", ctx);
    });
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    return 1;
  }
}

Deno.exit(await main(Deno.args));
