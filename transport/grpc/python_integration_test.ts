/**
 * grpcio's client against Kit's server: all four kinds of methods, metadata, errors and their details,
 * deadlines, cancellation, compression, health checking and reflection.
 */
import type { KitError } from "@kit/endpoint";
import assert from "node:assert/strict";
import { health } from "./health.ts";
import { reflection } from "./reflection.ts";
import { type Compression, serve } from "./serve.ts";
import { linesOf, Peer, python, pythonTest, run } from "./testdata/peers.ts";
import { DETAILS, type SeenCall, testBindings } from "./testdata/test_service.ts";

const SERVICE = "grpc.testing.TestService";

/** Runs a case of grpcio's client against Kit's server; gives what it saw, and what Kit did. */
async function seenBy(
  files: string,
  name: string,
  compression: Compression = "identity",
): Promise<{ it: Record<string, unknown>; kit: SeenCall[]; trace: string }> {
  const kit: SeenCall[] = [];
  const healthy = health();
  healthy.set(SERVICE, "not_serving");
  await using running = await serve(testBindings((call) => kit.push(call)), {
    listen: "127.0.0.1:0",
    signals: [],
    services: [healthy.service, reflection()],
    compression,
  });
  const [program, args, env] = python("client", files, String(running.addr.port), name);
  const tracing = { GRPC_VERBOSITY: "debug", GRPC_TRACE: "compression" };
  const ran = await run(program, args, { ...env, ...tracing });
  assert(ran.success, ran.stderr);
  return { it: linesOf<Record<string, unknown>>(ran.stdout)[0]!, kit, trace: ran.stderr };
}

/** The cases of `peer.py client` that need no more than to be compared. */
const SERVER_CASES: Readonly<Record<string, Record<string, unknown>>> = {
  unary: { size: 314_159 },
  server_stream: { sizes: [31415, 9, 2653] },
  client_stream: { size: 74_922 },
  bidi_stream: { sizes: [31415, 9, 2653] },
  error: { code: "NOT_FOUND", message: "no such thing: ☺ %" },
  gzip: { size: 200_000 },
  deflate: { size: 200_000 },
  health: {
    check: ["SERVING", "NOT_SERVING", "NOT_FOUND"],
    watch: ["SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"],
    list: { "": "SERVING", [SERVICE]: "NOT_SERVING" },
  },
  reflection: {
    services: [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      SERVICE,
    ],
    methods: [
      "EmptyCall",
      "UnaryCall",
      "CacheableUnaryCall",
      "StreamingOutputCall",
      "StreamingInputCall",
      "FullDuplexCall",
      "UnimplementedCall",
    ],
    unknown: "not found",
    size: 314_159,
  },
};

for (const [name, expected] of Object.entries(SERVER_CASES)) {
  pythonTest(`serve() passes ${name} of grpcio's client`, async (files) => {
    assert.deepEqual((await seenBy(files, name)).it, expected);
  });
}

/** The numbers that grpcio has for the encoding of a call; 0 is none. */
const NUMBERS = { deflate: 1, gzip: 2 } as const;

for (const compression of ["gzip", "deflate"] as const) {
  const number = NUMBERS[compression];
  for (
    const [name, sizes, numbers] of [
      ["server_compressed_unary", [314_159, 314_159], [number, 0]],
      ["server_compressed_streaming", [31_415, 92_653], [number, number]],
    ] as const
  ) {
    pythonTest(`serve() passes ${name} of grpcio's client with ${compression}`, async (files) => {
      const { it, trace } = await seenBy(files, name, compression);
      assert.deepEqual(it, { sizes });
      const came = [...trace.matchAll(/ DecompressMessage: len=(\d+) .* alg=(\d)/g)];
      assert.deepEqual(came.map(([, , number]) => Number(number)), numbers);
      // The first was compressed, the second was not.
      assert.deepEqual(came.map(([, length]) => Number(length) < 1000), [true, false]);
    });
  }
}

pythonTest("serve() takes metadata of grpcio and sends it back", async (files) => {
  const { header, trailer } = (await seenBy(files, "metadata")).it as Record<
    "header" | "trailer",
    [string, string][]
  >;
  const many = header.filter(([name]) => name === "x-many").flatMap(([, value]) =>
    value.split(", ")
  );
  assert.deepEqual(many, ["one", "two", "three"]);
  assert.deepEqual(header.find(([name]) => name === "x-grpc-test-echo-initial")?.[1], "hello");
  assert.deepEqual(trailer, [["x-grpc-test-echo-trailing-bin", "AP8K"]]);
});

pythonTest("serve() tells grpcio the details of an error", async (files) => {
  const { details, ...status } = (await seenBy(files, "details")).it;
  assert.deepEqual(status, { code: "FAILED_PRECONDITION", message: "not in this state" });
  const found = details as Record<string, unknown>[];
  assert.deepEqual(
    found.find((detail) => String(detail["@type"]).endsWith("ErrorInfo")),
    DETAILS[0],
  );
  assert.deepEqual(found.find((detail) => String(detail["@type"]).endsWith("RetryInfo")), {
    "@type": "type.googleapis.com/google.rpc.RetryInfo",
    retryDelay: "1.500s",
  });
});

pythonTest("serve() heeds the deadline of grpcio", async (files) => {
  const { it: { code, ms }, kit: [call] } = await seenBy(files, "deadline");
  assert.equal(code, "DEADLINE_EXCEEDED");
  assert((ms as number) < 2000, `it took ${ms} ms`);
  assert.equal((call!.error as KitError).code, "deadline_exceeded");
});

pythonTest("serve() heeds that grpcio cancels", async (files) => {
  const { it, kit: [call] } = await seenBy(files, "cancel");
  assert.deepEqual(it, { first: 1, code: "CANCELLED" });
  assert.equal((call!.error as KitError).code, "cancelled");
});

pythonTest(
  "health() tells grpcio's watch every change, and ends it when the server stops",
  async (files) => {
    const healthy = health();
    const running = await serve([], {
      listen: "127.0.0.1:0",
      signals: [],
      services: [healthy.service],
    });
    await using peer = new Peer(...python("client", files, String(running.addr.port), "watch"));
    const next = () => peer.receive<{ status?: string; end?: string }>();
    assert.deepEqual(await next(), { status: "SERVICE_UNKNOWN" });
    healthy.set(SERVICE, "serving");
    assert.deepEqual(await next(), { status: "SERVING" });
    const begin = performance.now();
    assert(await running.shutdown());
    assert(performance.now() - begin < 5000);
    assert.deepEqual(await next(), { status: "NOT_SERVING" });
    assert.deepEqual(await next(), { end: "OK" });
  },
);
