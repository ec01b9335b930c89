/**
 * A service for the tests of how one ends. It writes its port, serves until a signal, and writes what
 * `finished` resolved to; nothing in it calls for an exit.
 */
// deno-lint-ignore-file no-console
import { delay } from "@kit/endpoint";
import { routes, serve, server } from "@kit/transport/http";

const [drainMs, delayMs] = Deno.args.map(Number);
const big = new Uint8Array(64 << 20);
const running = serve(
  routes({
    "POST /echo": server((request: unknown) => Promise.resolve(request)),
    "POST /early": () => new Response("early"),
    "GET /slow": async () => {
      await delay(600);
      return new Response("slow");
    },
    "GET /hang": () => new Promise<Response>(() => {}),
    "GET /big": () => new Response(big),
    "GET /stream": () => {
      let left = 5;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await delay(100);
            controller.enqueue(new TextEncoder().encode("x"));
            if (--left === 0) controller.close();
          },
        }),
      );
    },
    "GET /endless": () =>
      new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) })),
    "GET /": () => new Response("ok"),
  }),
  { listen: "127.0.0.1:0", drainMs: drainMs!, delayMs: delayMs ?? 0 },
);
console.log(running.addr.port);
console.log(`finished ${await running.finished}`);
