/**
 * Kit's client against grpcio's server: all four kinds of methods, metadata, errors and their details,
 * deadlines, cancellation, compression and health checking.
 */
import { create } from "@bufbuild/protobuf";
import {
  background,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import assert from "node:assert/strict";
import { type Channel, channel } from "./channel.ts";
import { type AnswerMetadata, client } from "./client.ts";
import { fromProto } from "./from_proto.ts";
import { healthCheck } from "./health_check.ts";
import { python, pythonTest, ServingPeer } from "./testdata/peers.ts";
import { sizesOf } from "./testdata/streams.ts";
import { type StreamingOutputCallRequest, testService } from "./testdata/test_proto.ts";
import { DETAILS } from "./testdata/test_service.ts";

const { method } = testService;
const SERVICE = "grpc.testing.TestService";

function clientTest(
  name: string,
  fn: (there: Channel, peer: ServingPeer) => Promise<void>,
): void {
  pythonTest(name, async (files) => {
    await using peer = await ServingPeer.start(...python("server", files));
    using there = channel(`127.0.0.1:${peer.port}`);
    await fn(there, peer);
  });
}

function outputRequest(
  ...parameters: { size: number; intervalUs?: number; compressed?: { value: boolean } }[]
): StreamingOutputCallRequest {
  return create(method.streamingOutputCall.input, { responseParameters: parameters });
}

clientTest("client() calls a unary method of grpcio", async (there) => {
  const call = client(there, fromProto(method.unaryCall));
  for (const value of [false, true]) {
    const request = { responseSize: 314_159, responseCompressed: { value } };
    const { payload } = await call(create(method.unaryCall.input, request), background());
    assert.equal(payload?.body.length, 314_159);
  }
});

clientTest("client() reads a stream of grpcio", async (there) => {
  const call = client(there, fromProto(method.streamingOutputCall));
  const request = outputRequest({ size: 31415 }, { size: 0 }, { size: 2653 });
  assert.deepEqual(await sizesOf(await call(request, background())), [31415, 0, 2653]);
});

clientTest("client() sends a stream to grpcio, compressed or not", async (there, { port }) => {
  using zipped = channel(`127.0.0.1:${port}`, { compression: "deflate" });
  for (const way of [there, zipped]) {
    const call = client(way, fromProto(method.streamingInputCall));
    const requests = async function* () {
      for (const size of [27182, 8, 1828, 45904]) {
        const payload = { body: new Uint8Array(size) };
        yield await Promise.resolve(create(method.streamingInputCall.input, { payload }));
      }
    };
    assert.equal((await call(requests(), background())).aggregatedPayloadSize, 74_922);
  }
});

clientTest("client() streams both ways with grpcio, one reply a request", async (there) => {
  const call = client(there, fromProto(method.fullDuplexCall));
  let turn = Promise.withResolvers<void>();
  const requests = async function* () {
    for (const size of [31415, 9, 2653]) {
      yield outputRequest({ size });
      await turn.promise;
      turn = Promise.withResolvers();
    }
  };
  const sizes = [];
  for await (const { payload } of await call(requests(), background())) {
    sizes.push(payload?.body.length);
    turn.resolve();
  }
  assert.deepEqual(sizes, [31415, 9, 2653]);
});

clientTest("client() exchanges metadata with grpcio, and tells its deadline", async (there) => {
  let answer: AnswerMetadata | undefined;
  const call = client(there, fromProto(method.unaryCall), {
    before: [(ctx, out) => {
      out.append("x-many", "one");
      out.append("x-many", "two, three");
      out.set("x-grpc-test-echo-trailing-bin", "AP8K");
      return ctx;
    }],
    after: [(ctx, found) => {
      answer = found;
      return ctx;
    }],
  });
  using timed = withTimeout(background(), 5000);
  const ctx = withOutgoing(timed, metadata({ "x-grpc-test-echo-initial": "hello" }));
  await call(create(method.unaryCall.input), ctx);
  const { header, trailer } = answer!;
  assert.equal(header.get("x-grpc-test-echo-initial"), "hello");
  const many = header.getAll("x-many").flatMap((value) => value.split(", "));
  assert.deepEqual(many, ["one", "two", "three"]);
  assert.equal(trailer.get("x-grpc-test-echo-trailing-bin"), "AP8K");
  const leftMs = Number(header.get("x-left-ms"));
  assert(leftMs > 3000 && leftMs <= 5000, `${leftMs} ms were left`);
});

clientTest("client() reads an error of grpcio, and its details", async (there) => {
  const call = client(there, fromProto(method.unaryCall));
  const responseStatus = { code: 5, message: "no such thing: ☺ %" };
  await assert.rejects(call(create(method.unaryCall.input, { responseStatus }), background()), {
    code: "not_found",
    message: "no such thing: ☺ %",
  });
  const ctx = withOutgoing(background(), metadata({ "x-details": "1" }));
  await assert.rejects(call(create(method.unaryCall.input), ctx), {
    code: "failed_precondition",
    message: "not in this state",
    details: [DETAILS[0]],
    retryAfterMs: 1500,
  });
});

clientTest("client() gives up at its deadline, and grpcio is told so", async (there, peer) => {
  using ctx = withTimeout(background(), 300);
  const call = client(there, fromProto(method.streamingOutputCall));
  const request = outputRequest({ size: 1, intervalUs: 20_000_000 });
  const begin = performance.now();
  await assert.rejects(call(request, ctx).then(sizesOf), { code: "deadline_exceeded" });
  assert(performance.now() - begin < 2000);
  await peer.receive<{ done?: string }>(({ done }) => done?.endsWith("/StreamingOutputCall")!);
});

clientTest(
  "client() cancels a stream of grpcio by its signal, and by leaving it",
  async (there, peer) => {
    const call = client(there, fromProto(method.streamingOutputCall));
    const request = outputRequest({ size: 1 }, { size: 2, intervalUs: 20_000_000 });
    const isDone = ({ done }: { done?: string }) => done !== undefined;

    const cancelling = new AbortController();
    using ctx = withSignal(background(), cancelling.signal);
    const responses = (await call(request, ctx))[Symbol.asyncIterator]();
    assert.equal((await responses.next()).value?.payload?.body.length, 1);
    cancelling.abort(new KitError("cancelled", "Call was cancelled"));
    await assert.rejects(responses.next(), { code: "cancelled" });
    await peer.receive(isDone);

    for await (const { payload } of await call(request, background())) {
      assert.equal(payload?.body.length, 1);
      break;
    }
    await peer.receive(isDone);
  },
);

clientTest("healthCheck() asks grpcio's server", async (there) => {
  const check = healthCheck(there);
  assert.equal(await check("", background()), "serving");
  assert.equal(await check(SERVICE, background()), "serving");
  assert.equal(await check("no.such.Service", background()), "service_unknown");
});
