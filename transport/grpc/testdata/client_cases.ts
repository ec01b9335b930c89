/**
 * gRPC's interoperability cases for a client, against grpc-go's server.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import {
  background,
  codeOf,
  type Context,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import assert from "node:assert/strict";
import type { Channel } from "../channel.ts";
import { type AnswerMetadata, client } from "../client.ts";
import { fromProto } from "../from_proto.ts";
import type { ServingPeer } from "./peers.ts";
import { Sender, sizesOf, streamOf } from "./streams.ts";
import {
  type StreamingInputCallRequest,
  type StreamingOutputCallRequest,
  testService,
  unimplementedService,
} from "./test_proto.ts";

/** What grpc-go prints of a call. */
export interface Seen {
  readonly method: string;
  readonly code: string;
  readonly in: readonly boolean[];
  readonly out: readonly boolean[];
}

const { method } = testService;
const LARGE = { payload: { body: new Uint8Array(271_828) }, responseSize: 314_159 };
const RESPONSE_SIZES = [31415, 9, 2653, 58979];
const REQUEST_SIZES = [27182, 8, 1828, 45904];
const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";

function outputRequest(
  sizes: readonly number[],
  bodySize?: number,
  compressed: readonly boolean[] = [],
): StreamingOutputCallRequest {
  return create(method.streamingOutputCall.input, {
    responseParameters: sizes.map((size, i) => ({
      size,
      ...(compressed[i] === undefined ? {} : { compressed: { value: compressed[i] } }),
    })),
    ...(bodySize === undefined ? {} : { payload: { body: new Uint8Array(bodySize) } }),
  });
}

function inputRequest(
  size: number,
  expectation: { expectCompressed?: { value: boolean } } = {},
): StreamingInputCallRequest {
  const payload = { body: new Uint8Array(size) };
  return create(method.streamingInputCall.input, { payload, ...expectation });
}

export async function emptyUnary(there: Channel): Promise<void> {
  const call = client(there, fromProto(method.emptyCall));
  const response = await call(create(method.emptyCall.input), background());
  assert.equal(response.$typeName, "grpc.testing.Empty");
}

/** A case; `zipped` is a channel that compresses, and `peer` the server. */
export type ClientCase = (there: Channel, zipped: Channel, peer: ServingPeer) => Promise<void>;

export const CLIENT_CASES: Readonly<Record<string, ClientCase>> = {
  empty_unary: emptyUnary,

  async cacheable_unary(there) {
    const call = client(there, fromProto(method.cacheableUnaryCall));
    const body = new TextEncoder().encode(String(performance.now()));
    const ctx = withOutgoing(background(), metadata({ "x-user-ip": "1.2.3.4" }));
    for (let i = 0; i < 2; i++) {
      const request = create(method.cacheableUnaryCall.input, { payload: { body } });
      const { payload } = await call(request, ctx);
      assert.deepEqual(Uint8Array.from(payload!.body), body);
    }
  },

  async large_unary(there) {
    const request = create(method.unaryCall.input, LARGE);
    const { payload } = await client(there, fromProto(method.unaryCall))(request, background());
    assert.equal(payload?.body.length, 314_159);
  },

  async client_compressed_unary(there, zipped, peer) {
    const [compressed, uncompressed] = [true, false].map((value) =>
      create(method.unaryCall.input, { ...LARGE, expectCompressed: { value } })
    );
    const plain = client(there, fromProto(method.unaryCall));
    await assert.rejects(plain(compressed!, background()), { code: "invalid_argument" });
    const packed = client(zipped, fromProto(method.unaryCall));
    assert.equal((await packed(compressed!, background())).payload?.body.length, 314_159);
    assert.equal((await plain(uncompressed!, background())).payload?.body.length, 314_159);
    const ins = [];
    for (let i = 0; i < 3; i++) ins.push((await peer.receive<Seen>()).in);
    assert.deepEqual(ins, [[false], [true], [false]]);
  },

  async server_compressed_unary(there, _, peer) {
    const call = client(there, fromProto(method.unaryCall));
    for (const value of [true, false]) {
      const request = create(method.unaryCall.input, { ...LARGE, responseCompressed: { value } });
      assert.equal((await call(request, background())).payload?.body.length, 314_159);
      assert.deepEqual((await peer.receive<Seen>()).out, [value]);
    }
  },

  async client_streaming(there) {
    const requests = streamOf(...REQUEST_SIZES.map((size) => inputRequest(size)));
    const call = client(there, fromProto(method.streamingInputCall));
    assert.equal((await call(requests, background())).aggregatedPayloadSize, 74_922);
  },

  async client_compressed_streaming(there, zipped, peer) {
    const plain = client(there, fromProto(method.streamingInputCall));
    const compressed = { expectCompressed: { value: true } };
    await assert.rejects(plain(streamOf(inputRequest(27182, compressed)), background()), {
      code: "invalid_argument",
    });
    // A channel compresses all messages or none.
    const requests = streamOf(inputRequest(27182, compressed), inputRequest(45904, compressed));
    const packed = client(zipped, fromProto(method.streamingInputCall));
    assert.equal((await packed(requests, background())).aggregatedPayloadSize, 73_086);
    await peer.receive<Seen>(({ code }) => code === "InvalidArgument");
    assert.deepEqual((await peer.receive<Seen>()).in, [true, true]);
  },

  async server_streaming(there) {
    const call = client(there, fromProto(method.streamingOutputCall));
    const responses = await call(outputRequest(RESPONSE_SIZES), background());
    assert.deepEqual(await sizesOf(responses), RESPONSE_SIZES);
  },

  async server_compressed_streaming(there, _, peer) {
    const call = client(there, fromProto(method.streamingOutputCall));
    const request = outputRequest([31415, 92653], undefined, [true, false]);
    assert.deepEqual(await sizesOf(await call(request, background())), [31415, 92653]);
    // grpc-go compresses all messages of a call or none.
    assert.deepEqual((await peer.receive<Seen>()).out, [true, true]);
  },

  async ping_pong(there) {
    const requests = new Sender<StreamingOutputCallRequest>();
    const call = client(there, fromProto(method.fullDuplexCall));
    const sizes = [];
    const responses = (await call(requests, background()))[Symbol.asyncIterator]();
    for (const [i, size] of RESPONSE_SIZES.entries()) {
      requests.send(outputRequest([size], REQUEST_SIZES[i]));
      const { value } = await responses.next();
      sizes.push(value?.payload?.body.length);
    }
    requests.end();
    assert((await responses.next()).done);
    assert.deepEqual(sizes, RESPONSE_SIZES);
  },

  async empty_stream(there) {
    const call = client(there, fromProto(method.fullDuplexCall));
    assert.deepEqual(await sizesOf(await call(streamOf(), background())), []);
  },

  async custom_metadata(there) {
    const sent = metadata({ [INITIAL]: "test_initial_metadata_value", [TRAILING]: "CgsKCwoL" });
    const ctx = withOutgoing(background(), sent);
    const seen: AnswerMetadata[] = [];
    const options = {
      after: [(ctx: Context, answer: AnswerMetadata) => {
        seen.push(answer);
        return ctx;
      }],
    };
    const unary = client(there, fromProto(method.unaryCall), options);
    await unary(create(method.unaryCall.input, { responseSize: 1 }), ctx);
    const duplex = client(there, fromProto(method.fullDuplexCall), options);
    assert.deepEqual(await sizesOf(await duplex(streamOf(outputRequest([1], 1)), ctx)), [1]);
    assert.equal(seen.length, 2);
    for (const { header, trailer } of seen) {
      assert.deepEqual(header.getAll(INITIAL), ["test_initial_metadata_value"]);
      assert.deepEqual(trailer.getAll(TRAILING), ["CgsKCwoL"]);
    }
  },

  async status_code_and_message(there) {
    const expected = { code: "unknown", message: "test status message" };
    const responseStatus = { code: 2, message: "test status message" };
    const unary = client(there, fromProto(method.unaryCall));
    await assert.rejects(
      unary(create(method.unaryCall.input, { responseStatus }), background()),
      expected,
    );
    const duplex = client(there, fromProto(method.fullDuplexCall));
    const requests = streamOf(create(method.fullDuplexCall.input, { responseStatus }));
    await assert.rejects(duplex(requests, background()).then(sizesOf), expected);
  },

  async special_status_message(there) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    const request = create(method.unaryCall.input, { responseStatus: { code: 2, message } });
    const call = client(there, fromProto(method.unaryCall));
    await assert.rejects(call(request, background()), { code: "unknown", message });
  },

  async unimplemented_method(there) {
    const call = client(there, fromProto(method.unimplementedCall));
    await assert.rejects(call(create(method.unimplementedCall.input), background()), {
      code: "unimplemented",
    });
  },

  async unimplemented_service(there) {
    const { unimplementedCall } = unimplementedService.method;
    const call = client(there, fromProto(unimplementedCall));
    await assert.rejects(call(create(unimplementedCall.input), background()), {
      code: "unimplemented",
    });
  },

  async cancel_after_begin(there, _, peer) {
    const cancelling = new AbortController();
    using ctx = withSignal(background(), cancelling.signal);
    const requests = new Sender<StreamingInputCallRequest>();
    const result = client(there, fromProto(method.streamingInputCall))(requests, ctx);
    // The server is to see the call, so that its end can be waited for.
    requests.send(inputRequest(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    cancelling.abort(new KitError("cancelled", "Call was cancelled"));
    await assert.rejects(result, { code: "cancelled" });
    assert.equal((await peer.receive<Seen>()).code, "Canceled");
  },

  async cancel_after_first_response(there, _, peer) {
    const cancelling = new AbortController();
    using ctx = withSignal(background(), cancelling.signal);
    const requests = new Sender<StreamingOutputCallRequest>();
    const duplex = client(there, fromProto(method.fullDuplexCall));
    const responses = (await duplex(requests, ctx))[Symbol.asyncIterator]();
    requests.send(outputRequest([31415], 27182));
    assert.equal((await responses.next()).value?.payload?.body.length, 31415);
    cancelling.abort(new KitError("cancelled", "Call was cancelled"));
    await assert.rejects(responses.next(), { code: "cancelled" });
    assert.equal((await peer.receive<Seen>()).code, "Canceled");
  },

  async timeout_on_sleeping_server(there) {
    using ctx = withTimeout(background(), 1);
    const requests = new Sender<StreamingOutputCallRequest>();
    requests.send(outputRequest([], 27182));
    const result = client(there, fromProto(method.fullDuplexCall))(requests, ctx).then(sizesOf);
    await assert.rejects(result, (error) => codeOf(error) === "deadline_exceeded");
  },
};
