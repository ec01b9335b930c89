// Streams of small items over the loopback, beside a hand-written stream of the same lines.
import { background } from "@kit/endpoint";
import { serve } from "./serve.ts";
import { streamClient } from "./stream_client.ts";
import { streamServer } from "./stream_server.ts";
import { webSocketClient } from "./web_socket_client.ts";
import { webSocketServer } from "./web_socket_server.ts";

const ITEMS = 10_000;

async function* items(): AsyncGenerator<{ id: number; name: string }> {
  for (let id = 0; id < ITEMS; id++) yield { id, name: "hello" };
}

async function* none(): AsyncGenerator<never> {}

const encoder = new TextEncoder();

function bare(): Response {
  const source = items();
  return new Response(
    new ReadableStream({
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      },
    }, { highWaterMark: 0 }),
  );
}

async function readBare(url: string): Promise<void> {
  const response = await fetch(url);
  let rest = "";
  let count = 0;
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    for (const line of lines) count += JSON.parse(line) ? 1 : 0;
  }
  check(count);
}

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const _ of stream) count++;
  check(count);
}

function check(count: number): void {
  if (count !== ITEMS) throw new Error(`Got ${count} items`);
}

const stream = () => Promise.resolve(items());
const options = { listen: "127.0.0.1:0", signals: [] };
const bareServer = serve(bare, options);
const server = serve(streamServer(stream), options);
const webSocket = serve(webSocketServer(stream), options);
const urlOf = ({ addr }: { addr: { port: number } }) => `http://127.0.0.1:${addr.port}/`;

Deno.bench(`${ITEMS} items, by hand`, { group: "streams", baseline: true }, async () => {
  await readBare(urlOf(bareServer));
});
for (const format of ["ndjson", "sse"] as const) {
  const call = streamClient<null, unknown>(urlOf(server), { format });
  Deno.bench(`${ITEMS} items, ${format}`, { group: "streams" }, async () => {
    await readAll(await call(null, background()));
  });
}
const call = webSocketClient<never, unknown>(urlOf(webSocket));
Deno.bench(`${ITEMS} items, WebSocket`, { group: "streams" }, async () => {
  await readAll(await call(none(), background()));
});
