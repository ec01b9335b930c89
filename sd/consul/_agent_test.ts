import assert from "node:assert/strict";
import { ConsulAgent } from "./_agent.ts";

Deno.test("ConsulAgent leaves no listener on a signal that lives for long", async () => { // P18, R4
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  let fails = false;
  const agent = new ConsulAgent({
    fetch: () => fails ? Promise.reject(new Error("refused")) : Promise.resolve(new Response("x")),
  });
  for (let turn = 0; turn < 10; turn++) {
    fails = turn % 2 === 0;
    await agent.ask({ doing: "ask", path: "x", signal }).catch(() => {});
  }
  assert.equal(listeners, 0);
});

Deno.test("ConsulAgent follows no redirect on a real connection", async () => { // S7, P19
  const token = "secret";
  const tokens: (string | null)[] = [];
  await using elsewhere = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      tokens.push(request.headers.get("x-consul-token"));
      return new Response("[]");
    },
  );
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    return Response.redirect(`http://127.0.0.1:${elsewhere.addr.port}/`);
  });
  const agent = new ConsulAgent({ agent: `http://127.0.0.1:${server.addr.port}`, token });
  const { signal } = new AbortController();
  await assert.rejects(agent.ask({ doing: "ask", path: "x", signal }), /as it answered 302$/);
  assert.deepEqual(tokens, []);
});

Deno.test("ConsulAgent refuses 100 MB on a real connection", async () => { // D4, P12
  let sent = 0;
  const mebibyte = new Uint8Array(1 << 20).fill(32);
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    const body = new ReadableStream({
      pull(controller) {
        if (++sent > 100) controller.close();
        else controller.enqueue(mebibyte);
      },
    });
    return new Response(body);
  });
  const agent = new ConsulAgent({ agent: `http://127.0.0.1:${server.addr.port}` });
  const { signal } = new AbortController();
  const asked = agent.ask({ doing: "ask", path: "x", signal });
  await assert.rejects(asked, { code: "resource_exhausted", message: /over 33554432 bytes$/ });
  assert(sent < 100, `${sent} MiB`);
});
