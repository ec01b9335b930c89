/**
 * What gRPC's interoperability cases leave out, with grpc-go: TLS, details of errors, deadlines,
 * limits, and connections that end.
 */
import { create } from "@bufbuild/protobuf";
import { background, type KitError, metadata, withOutgoing, withTimeout } from "@kit/endpoint";
import assert from "node:assert/strict";
import { TcpProxy } from "../../sd/testdata/server_process.ts";
import { type Channel, channel, type ChannelTls } from "./channel.ts";
import { client } from "./client.ts";
import { fromProto } from "./from_proto.ts";
import { type GrpcServer, serve, type ServeOptions } from "./serve.ts";
import { GRPC_GO, linesOf, type Ran, run, ServingPeer } from "./testdata/peers.ts";
import { testService } from "./testdata/test_proto.ts";
import { DETAILS, type SeenCall, testBindings } from "./testdata/test_service.ts";

const { method } = testService;

function test(name: string, fn: () => Promise<void>): void {
  const ignore = GRPC_GO === undefined;
  const without = ignore ? " (ignored, as there is no KIT_GRPC_GO)" : "";
  Deno.test({ name: name + without, ignore, fn });
}

function serveTests(
  options: ServeOptions = {},
  seen?: (call: SeenCall) => void,
): Promise<GrpcServer> {
  return serve(testBindings(seen), { listen: "127.0.0.1:0", signals: [], ...options });
}

function runGo(server: GrpcServer, name: string, ...flags: string[]): Promise<Ran> {
  const target = `localhost:${server.addr.port}`;
  return run(GRPC_GO!, ["client", "-target", target, "-case", name, ...flags]);
}

async function emptyCall(there: Channel): Promise<void> {
  await client(there, fromProto(method.emptyCall))(create(method.emptyCall.input), background());
}

// --- TLS ---

/** A folder of certificates, which is removed at the end. */
class Certs implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<Certs> {
    const folder = await Deno.makeTempDir();
    const ran = await run(GRPC_GO!, ["certs", folder]);
    assert(ran.success, ran.stderr);
    return new Certs(folder);
  }

  read(name: string): Promise<string> {
    return Deno.readTextFile(`${this.folder}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

test("serve() speaks TLS with grpc-go's client, and with certificates of both", async () => {
  await using certs = await Certs.make();
  const [cert, key, clientCa] = await Promise.all(
    ["server.pem", "server.key", "ca.pem"].map((name) => certs.read(name)),
  );
  const pair = { cert: cert!, key: key! };
  {
    await using running = await serveTests({ tls: pair });
    const ran = await runGo(running, "large_unary", "-tls", certs.folder);
    assert(ran.success, ran.stderr);
    assert(!(await runGo(running, "empty_unary")).success);
  }
  await using running = await serveTests({ tls: { ...pair, clientCa: clientCa! } });
  const ran = await runGo(running, "large_unary", "-tls", certs.folder, "-mutual");
  assert(ran.success, ran.stderr);
  assert(!(await runGo(running, "empty_unary", "-tls", certs.folder)).success);
});

test("client() speaks TLS with grpc-go's server, and with certificates of both", async () => {
  await using certs = await Certs.make();
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "client.pem", "client.key"].map((name) => certs.read(name)),
  );
  const mine = { cert: cert!, key: key! };

  async function calls(peer: ServingPeer, tls: ChannelTls): Promise<void> {
    using there = channel(`localhost:${peer.port}`, { tls });
    await emptyCall(there);
  }

  {
    await using peer = await ServingPeer.start(GRPC_GO!, ["server", "-tls", certs.folder]);
    await calls(peer, { ca: ca! });
    await assert.rejects(calls(peer, { ca: cert! }), { code: "unavailable" });
    await assert.rejects(calls(peer, { ca: ca!, serverName: "example.com" }), {
      code: "unavailable",
    });
  }
  await using peer = await ServingPeer.start(GRPC_GO!, [
    "server",
    "-tls",
    certs.folder,
    "-mutual",
  ]);
  await calls(peer, { ca: ca!, ...mine });
  await assert.rejects(calls(peer, { ca: ca! }), { code: "unavailable" });
});

// --- errors, deadlines, limits ---

test("server() tells grpc-go the details of an error", async () => {
  await using running = await serveTests();
  const ran = await runGo(running, "details");
  assert(ran.success, ran.stderr);
  const [error] = linesOf<{ error?: { details: unknown[] } }>(ran.stdout)
    .flatMap(({ error }) => error ?? []);
  const { details, ...status } = error!;
  assert.deepEqual(status, { code: 9, message: "not in this state" });
  const byType = (details as { "@type": string }[]).toSorted((a, b) =>
    a["@type"] < b["@type"] ? -1 : 1
  );
  assert.deepEqual(byType, [
    {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: "payload.body", description: "is empty" }],
    },
    DETAILS[0],
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.500s" },
  ]);
});

test("client() reads the details of grpc-go's error", async () => {
  await using peer = await ServingPeer.start(GRPC_GO!, ["server"]);
  using there = channel(`127.0.0.1:${peer.port}`);
  const ctx = withOutgoing(background(), metadata({ "x-details": "1" }));
  const call = client(there, fromProto(method.unaryCall));
  await assert.rejects(call(create(method.unaryCall.input), ctx), {
    code: "failed_precondition",
    message: "not in this state",
    retryAfterMs: 1500,
    details: DETAILS,
  });
});

test("server() is told grpc-go's deadline, and stops when it has passed", async () => {
  const { promise, resolve } = Promise.withResolvers<SeenCall>();
  await using running = await serveTests({}, resolve);
  const ran = await runGo(running, "deadline");
  assert(ran.success, ran.stderr);
  const { leftMs, error } = await promise;
  assert(leftMs! <= 1 && leftMs! > -200, `${leftMs} ms were left`);
  assert.equal((error as KitError).code, "deadline_exceeded");
});

test("client() tells grpc-go its deadline", async () => {
  await using peer = await ServingPeer.start(GRPC_GO!, ["server"]);
  using there = channel(`127.0.0.1:${peer.port}`);
  using ctx = withTimeout(background(), 5000);
  await client(there, fromProto(method.emptyCall))(create(method.emptyCall.input), ctx);
  const { leftMs } = await peer.receive<{ leftMs: number }>();
  assert(leftMs > 3000 && leftMs <= 5000, `${leftMs} ms were left`);
});

test("serve() refuses what is too large, before and after decompression", async () => {
  await using running = await serveTests();
  const ran = await runGo(running, "too_large");
  assert(ran.success, ran.stderr);
});

test("client() refuses what is too large, before and after decompression", async () => {
  await using peer = await ServingPeer.start(GRPC_GO!, ["server"]);
  using there = channel(`127.0.0.1:${peer.port}`, { maxBytes: 100_000 });
  const call = client(there, fromProto(method.unaryCall));
  for (const value of [false, true]) {
    const request = { responseSize: 200_000, responseCompressed: { value } };
    await assert.rejects(call(create(method.unaryCall.input, request), background()), {
      code: "resource_exhausted",
    });
  }
  await emptyCall(there);
});

// --- connections that end ---

test("client() loses no call while grpc-go ends its connections", async () => {
  const flags = ["-max-age", "150ms", "-grace", "2s"];
  await using peer = await ServingPeer.start(GRPC_GO!, ["server", ...flags]);
  await using proxy = new TcpProxy(peer.port);
  using there = channel(`127.0.0.1:${proxy.port}`);
  const call = client(there, fromProto(method.unaryCall));
  const end = performance.now() + 4000;
  let calls = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (performance.now() < end) {
      const request = create(method.unaryCall.input, { responseSize: 100 });
      assert.equal((await call(request, background())).payload?.body.length, 100);
      calls++;
    }
  }));
  assert(calls > 100, `${calls} calls`);
  assert(proxy.accepted > 5, `${proxy.accepted} connections`);
});

test("client() outlives connections of grpc-go that end while they are idle", async () => {
  const flags = ["-max-age", "50ms", "-grace", "50ms"];
  await using peer = await ServingPeer.start(GRPC_GO!, ["server", ...flags]);
  using there = channel(`127.0.0.1:${peer.port}`);
  for (let i = 0; i < 20; i++) {
    await emptyCall(there);
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
});

test("client() finds grpc-go's server again after it has restarted", async () => {
  let peer = await ServingPeer.start(GRPC_GO!, ["server"]);
  const { port } = peer;
  using there = channel(`127.0.0.1:${port}`, { reconnectMinMs: 50, reconnectMaxMs: 50 });
  await emptyCall(there);
  await peer[Symbol.asyncDispose]();
  await assert.rejects(emptyCall(there), { code: "unavailable" });
  peer = await ServingPeer.start(GRPC_GO!, ["server", "-port", String(port)]);
  await using _ = peer;
  const end = performance.now() + 5000;
  for (;;) {
    try {
      return await emptyCall(there);
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

test("serve() finishes a stream to grpc-go's client while it drains", async () => {
  await using running = await serveTests();
  const ran = runGo(running, "slow");
  await new Promise((resolve) => setTimeout(resolve, 250));
  const isClean = await running.shutdown();
  const { success, stderr } = await ran;
  assert(success, stderr);
  assert(isClean);
});

test("serve() ends connections by their age without a loss to grpc-go's client", async () => {
  await using running = await serveTests({ maxAgeMs: 150, maxAgeGraceMs: 2000 });
  await using proxy = new TcpProxy(running.addr.port);
  const flags = ["client", "-target", `127.0.0.1:${proxy.port}`, "-case", "soak"];
  const { success, stdout, stderr } = await run(GRPC_GO!, flags);
  assert(success, stderr);
  assert(linesOf(stdout).length > 100);
  assert(proxy.accepted > 5, `${proxy.accepted} connections`);
});
