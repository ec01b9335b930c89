/** The service that streams, its client, and what else reads its streams, as whole programs. */
import { background } from "@kit/endpoint";
import * as grpc from "@kit/transport/grpc";
import { healthCheck } from "@kit/transport/grpc/health-check";
import assert from "node:assert/strict";
import { eventually } from "../sd/testdata/server_process.ts";
import { program, running, streamsvc } from "./_streamsvc_testing.ts";
import type { Position, Quote } from "./streamsvc/service.ts";
import { grpcClient } from "./streamsvc/transports/grpc.ts";
import { httpClient } from "./streamsvc/transports/http.ts";

const text = new TextEncoder();

for (const wire of ["grpc", "http"] as const) {
  Deno.test(`streamcli reads and writes streams by ${wire}`, async () => {
    await using service = await streamsvc();
    const at = `--${wire}-addr=${service.addr[wire]}`;
    await using quote = program("streamcli", at, "--method=quote", "GLOBEX");
    await using watch = program("streamcli", at, "--every-ms=20", "--count=3");
    await using trade = program("streamcli", at, "--method=trade");
    assert.deepEqual([await quote.ended, await watch.ended], [0, 0]);
    assert.match(quote.out.join("\n"), /^GLOBEX \d+\.\d\d$/);
    assert.match(watch.out.join("\n"), /^(ACME \d+\.\d\d \(\d+\)\n?){3}$/);
    // Each order is answered while more are to come.
    for (const [i, order] of ["ACME 10\n", "ACME -4\n"].entries()) {
      await trade.stdin.write(text.encode(order));
      await eventually(() => trade.out.length === i + 1);
    }
    await trade.stdin.write(text.encode("ACME -7\n"));
    assert.equal(await trade.ended, 1);
    assert.match(trade.out.join("\n"), /^10 ACME for \d+\.\d\d\n6 ACME for \d+\.\d\d$/);
    assert.deepEqual(trade.err, [
      "error: Nobody can sell what is not held (failed_precondition)",
    ]);
    await using late = program("streamcli", at, "--every-ms=50", "--timeout-ms=220");
    assert.equal(await late.ended, 1);
    assert(late.out.length >= 2, "reads until then");
    assert.match(late.err.join("\n"), /^error: Deadline exceeded.* \(deadline_exceeded\)$/);
  });

  Deno.test(`Ctrl-C ends streamcli and what it has called by ${wire}`, async () => {
    await using service = await streamsvc();
    const at = `--${wire}-addr=${service.addr[wire]}`;
    await using watch = program("streamcli", at, "--every-ms=20");
    await eventually(() => watch.out.length >= 3);
    assert(!service.err.some((line) => line.includes("method=watch")), "logged when it ends");
    watch.kill("SIGINT");
    assert.equal(await watch.ended, 130);
    assert.deepEqual(watch.err, []);
    await eventually(() => service.err.some((line) => line.includes("method=watch")));
    assert.match(service.err.at(-1)!, / method=watch err=.* took=[\d.]+m?s( code=cancelled)?$/);
  });
}

Deno.test("streamsvc ends its streams within the drain, and itself with code 0, on SIGTERM", async () => {
  await using service = await streamsvc();
  using channel = grpc.channel(service.addr.grpc);
  const clients = [grpcClient(channel), httpClient(service.addr.http)];
  const streams: AsyncIterable<unknown>[] = [];
  for (const client of clients) {
    streams.push(await client.watch({ symbol: "ACME", everyMs: 20 }, background()));
    streams.push(await client.trade(untilDropped(), background()));
  }
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  for (const iterator of iterators) await iterator.next();
  const begunAt = performance.now();
  service.kill("SIGTERM");
  const outcomes = await Promise.allSettled(iterators.map(async (iterator) => {
    while (!(await iterator.next()).done);
  }));
  assert.equal(await service.ended, 0);
  const tookMs = performance.now() - begunAt;
  assert(tookMs > 1900 && tookMs < 2000 + 1000, `took ${tookMs} ms`);
  for (const outcome of outcomes) {
    assert.equal(outcome.status === "rejected" && outcome.reason.code, "unavailable");
  }
  const ends = service.err.filter((line) => / method=(watch|trade) err=/.test(line));
  assert.equal(ends.length, 4, service.err.join("\n"));
});

/** One order, and then none for long. */
async function* untilDropped() {
  yield { symbol: "ACME", units: 1 };
  await new Promise<void>(() => {});
}

Deno.test("curl reads the streams, and stops them by going", async () => {
  await using service = await streamsvc();
  const url = `http://${service.addr.http}`;
  const query = `${url}/watch?symbol=ACME&everyMs=10`;
  const curl = async (...args: string[]) => {
    await using process = running("curl", ["-sSN", ...args]);
    await process.ended;
    return [...process.out, ...process.err].join("\n");
  };
  assert.match(
    await curl(`${query}&count=2`),
    /^(\{"item":\{"symbol":"ACME","cents":\d+,"seq":\d+\}\}\n){2}\{"end":true\}$/,
  );
  assert.match(
    await curl("-H", "accept: text/event-stream", `${query}&count=2`),
    /^(data: \{"symbol":"ACME","cents":\d+,"seq":\d+\}\n\n){2}event: end\ndata: true\n$/,
  );
  const orders = `{"item":{"symbol":"ACME","units":3}}\n{"item":{"symbol":"ACME","units":-4}}\n`;
  assert.match(
    await curl("--data-binary", orders, `${url}/trade`),
    /^\{"item":\{"symbol":"ACME","units":3,"cents":\d+\}\}\n\{"error":\{.*failed_precondition.*\}\}$/,
  );
  assert.match(await curl("-i", `${url}/watch?symbol=NOPE`), /^HTTP\/1\.1 404 /);
  assert.match(await curl("-i", `${url}/watch?symbol=ACME&everyMs=x`), /^HTTP\/1\.1 400 /);

  await using endless = running("curl", ["-sSN", query]);
  await eventually(() => endless.out.length >= 3);
  const logged = () => service.err.filter((line) => line.includes("method=watch")).length;
  const before = logged();
  endless.kill("SIGKILL");
  await eventually(() => logged() === before + 1);
});

Deno.test("a reader that is stopped stops the service from making more", async () => {
  await using service = await streamsvc();
  const { http } = service.addr;
  await using reader = running("curl", ["-sSN", `http://${http}/watch?symbol=ACME&everyMs=0`]);
  await eventually(() => reader.out.length > 100);
  reader.kill("SIGSTOP");
  // Quotes are numbered over all calls, so one tells how many were made.
  const made = async () => (await httpClient(http).quote("ACME", background())).seq;
  let last = 0;
  await eventually(async () => last + 1 === (last = await made()), { everyMs: 150 });
  reader.kill("SIGCONT");
  await eventually(async () => await made() > last + 1000);
});

Deno.test("streamsvc refuses streams over its limits, and counts them when they end", async () => {
  await using service = await streamsvc("--running=1");
  const url = `http://${service.addr.http}`;
  using channel = grpc.channel(service.addr.grpc);
  const watch = await grpcClient(channel).watch({ symbol: "ACME", everyMs: 10 }, background());
  const quotes = watch[Symbol.asyncIterator]();
  await quotes.next();
  const refused = await fetch(`${url}/watch?symbol=ACME`);
  assert.equal(refused.status, 429);
  assert.equal((await refused.json()).code, "resource_exhausted");
  await assert.rejects(grpcClient(channel).quote("ACME", background()), {
    code: "resource_exhausted",
  });
  const counted = async (labels: string) => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return metrics.includes(`example_streamsvc_requests_total{${labels}} 1\n`);
  };
  assert(await counted(`method="watch",code="resource_exhausted"`));
  assert(!await counted(`method="watch",code="ok"`));
  await quotes.return!();
  await eventually(async () =>
    await counted(`method="watch",code="ok"`) || await counted(`method="watch",code="cancelled"`)
  );
  await eventually(async () => (await grpcClient(channel).quote("ACME", background())).seq > 0);
});

Deno.test("the page of streamsvc does with a browser's own means what it says", async () => {
  await using service = await streamsvc();
  const { http } = service.addr;
  const page = await fetch(`http://${http}/`);
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  const html = await page.text();
  const [, source] = /new EventSource\("([^"]+)"\)/.exec(html)!;
  const [, path, protocol] = /new WebSocket\(.* \+ "([^"]+)", "([^"]+)"\)/.exec(html)!;

  // As a browser's EventSource asks for it.
  const events = await fetch(new URL(source!, `http://${http}`), {
    headers: { accept: "text/event-stream" },
  });
  assert.equal(events.headers.get("content-type"), "text/event-stream");
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  let read = "";
  while (read.split("\n\n").length < 3) read += (await reader.read()).value;
  await reader.cancel();
  const quote: Quote = JSON.parse(/^data: (.*)$/m.exec(read)![1]!);
  assert.equal(quote.symbol, "ACME");

  const socket = new WebSocket(`ws://${http}${path}`, protocol!);
  const positions: Position[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<CloseEvent>();
  let failure = "";
  socket.onclose = resolve;
  socket.onopen = () => {
    for (const units of [10, -10, -10]) {
      socket.send(JSON.stringify({ item: { symbol: "ACME", units } }));
    }
  };
  socket.onmessage = ({ data }) => {
    const { item, error } = JSON.parse(data);
    if (item) positions.push(item);
    if (error) failure = error.message;
  };
  const { code } = await closed;
  assert.deepEqual(positions.map(({ units }) => units), [10, 0]);
  assert.equal(failure, "Nobody can sell what is not held");
  assert.equal(code, 4009);
});

Deno.test("streamsvc tells over gRPC that it serves, and what", async () => {
  await using service = await streamsvc();
  using channel = grpc.channel(service.addr.grpc);
  const check = healthCheck(channel);
  assert.equal(await check("", background()), "serving");
  assert.equal(await check("ticker.Ticker", background()), "serving");
  assert.equal(await check("ticker.Other", background()), "service_unknown");
});

for (
  const [name, args, code, says] of [
    ["streamcli", [], 1, "error: no remote address specified"],
    ["streamcli", ["--http-addr=127.0.0.1:1", "a", "b"], 1, "Usage: streamcli [flags] [symbol]"],
    ["streamcli", ["--http-addr=127.0.0.1:1"], 1, "error: "],
    ["streamcli", ["--grpc-addr=127.0.0.1:1"], 1, "error: "],
    ["streamcli", ["--method=sell"], 1, `error: --method: "sell" is none of watch, quote, trade`],
    ["streamsvc", ["--rate=x"], 2, `streamsvc: --rate: "x" is no whole number`],
    ["streamsvc", ["--running=0", "--http-addr=127.0.0.1:0"], 1, "streamsvc: "],
  ] as const
) {
  Deno.test(`${name} ${args.join(" ")} ends with ${code}`, async () => {
    await using ended = program(name, ...args);
    assert.equal(await ended.ended, code);
    assert(ended.err.join("\n").startsWith(says), ended.err.join("\n"));
    assert(!/\bat .*:\d+:\d+/.test(ended.err.join("\n")), "no stack");
  });
}
