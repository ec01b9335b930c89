/**
 * Kit's servers: `kit.ts plain|strict|serve|stack|stack-timeout`.
 * @module
 */
import { apply, type Endpoint } from "@kit/endpoint";
import { logfmt, writerSink } from "@kit/log";
import { prometheus } from "@kit/metrics/prometheus";
import {
  bulkhead,
  circuitBreaker,
  instrumenting,
  logging,
  rateLimit,
  recover,
  timeout,
  tokenBucket,
} from "@kit/middleware";
import * as http from "@kit/transport/http";
import { note, ready } from "./_ready.ts";

interface Uppercase {
  readonly s: string;
}
interface Uppercased {
  readonly v: string;
}

const uppercase: Endpoint<Uppercase, Uppercased> = ({ s }) =>
  Promise.resolve({ v: s.toUpperCase() });

const metrics = prometheus({ namespace: "bench" });
// A real file would fill the disk at this rate; each batch is written all the same.
const sink = writerSink(await Deno.open("/dev/null", { write: true }));

function stack(next: Endpoint<Uppercase, Uppercased>): Endpoint<Uppercase, Uppercased> {
  const labels = ["method", "error"];
  return apply(
    next,
    logging(logfmt(sink), {
      method: "uppercase",
      fields: (request: Uppercase, response?: Uppercased) => ({
        input: request.s,
        output: response?.v,
      }),
    }),
    instrumenting({
      requests: metrics.counter("requests_total", { labels }),
      latency: metrics.histogram("request_seconds", { labels }),
    }, { method: "uppercase" }),
    rateLimit(tokenBucket({ limit: 1e9, burst: 1e6 })),
    circuitBreaker(),
    bulkhead({ max: 1000 }),
    recover(),
  );
}

function listen(handler: http.Handler): number {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  return server.addr.port;
}

const variants: Readonly<Record<string, () => number>> = {
  plain: () => listen(http.server(uppercase)),
  strict: () => listen(http.server(uppercase, { strict: true })),
  serve: () => {
    const handler = http.routes({ "POST /uppercase": http.server(uppercase) });
    return http.serve(handler, { listen: "127.0.0.1:0" }).addr.port;
  },
  stack: () => listen(http.server(stack(uppercase))),
  "stack-timeout": () => listen(http.server(stack(apply(uppercase, timeout(5000))))),
};

const variant = Deno.args[0]!;
await ready(variants[variant]!());
if (variant.startsWith("stack")) await tellLines();
Deno.exit();

/** Speed that is had by dropping lines must not go unseen. */
async function tellLines(): Promise<void> {
  const text = await metrics.text();
  const calls = Number(/^bench_requests_total\{.*error="false".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  note(`${calls} calls counted, ${sink.dropped} of their log lines dropped`);
}
