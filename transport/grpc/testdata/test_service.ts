/**
 * The service of gRPC's interoperability tests, served by Kit.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { type Context, delay, type ErrorDetail, KitError } from "@kit/endpoint";
import { fromProto } from "../from_proto.ts";
import { type Binding, type Reply, server } from "../server.ts";
import { codeOfStatus } from "../status.ts";
import {
  type EchoStatus,
  type StreamingOutputCallRequest,
  type StreamingOutputCallResponse,
  testService,
} from "./test_proto.ts";

/** What a call with the metadata "x-details" fails with. */
export const DETAILS: readonly ErrorDetail[] = [
  {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "STATE",
    domain: "kit.test",
    metadata: { is: "off" },
  },
  { pointer: "/payload/body", detail: "is empty" },
];

/** What was seen of a call. */
export interface SeenCall {
  readonly path: string;
  readonly leftMs: number | undefined;
  /** The error it failed with, if it did. */
  readonly error: unknown;
}

/** Makes the bindings; `seen` is told of each call when it is over. */
export function testBindings(seen: (call: SeenCall) => void = () => {}): Binding[] {
  const { method } = testService;
  /** Messages that callers want as they are. */
  const plain = new WeakSet<object>();

  function optionsFor({ name, parent }: { name: string; parent: { typeName: string } }) {
    const path = `/${parent.typeName}/${name}`;
    return {
      after: [echoMetadata],
      compress: (message: object) => !plain.has(message),
      finalizer: [(ctx: Context, error: unknown) => {
        const leftMs = ctx.deadline === undefined ? undefined : ctx.deadline - Date.now();
        seen({ path, leftMs, error });
      }],
    };
  }

  async function* outputs(
    { responseParameters }: StreamingOutputCallRequest,
    ctx: Context,
  ): AsyncGenerator<StreamingOutputCallResponse> {
    for (const { size, intervalUs, compressed } of responseParameters) {
      if (intervalUs > 0) await delay(intervalUs / 1000, { signal: ctx.signal });
      const response = create(method.streamingOutputCall.output, { payload: payload(size) });
      if (compressed?.value === false) plain.add(response);
      yield response;
    }
  }

  async function* duplex(
    requests: AsyncIterable<StreamingOutputCallRequest>,
    ctx: Context,
  ): AsyncGenerator<StreamingOutputCallResponse> {
    for await (const request of requests) {
      throwStatus(request.responseStatus);
      yield* outputs(request, ctx);
    }
  }

  return [
    server(
      fromProto(method.emptyCall),
      (request) => Promise.resolve(request),
      optionsFor(method.emptyCall),
    ),
    server(
      fromProto(method.unaryCall),
      // deno-lint-ignore require-await
      async ({ responseStatus, responseSize, responseCompressed }, ctx) => {
        if (ctx.metadata.get("x-details") !== undefined) {
          const options = { details: DETAILS, retryAfterMs: 1500 };
          throw new KitError("failed_precondition", "not in this state", options);
        }
        throwStatus(responseStatus);
        const { output } = method.unaryCall;
        const response = create(output, { payload: payload(responseSize), serverId: "kit" });
        if (responseCompressed?.value === false) plain.add(response);
        return response;
      },
      optionsFor(method.unaryCall),
    ),
    server(
      fromProto(method.cacheableUnaryCall),
      ({ payload }) =>
        Promise.resolve(create(method.cacheableUnaryCall.output, payload ? { payload } : {})),
      optionsFor(method.cacheableUnaryCall),
    ),
    server(
      fromProto(method.streamingOutputCall),
      (request, ctx) => Promise.resolve(outputs(request, ctx)),
      optionsFor(method.streamingOutputCall),
    ),
    server(
      fromProto(method.streamingInputCall),
      async (requests) => {
        let aggregatedPayloadSize = 0;
        for await (const { payload } of requests) {
          aggregatedPayloadSize += payload?.body.length ?? 0;
        }
        return create(method.streamingInputCall.output, { aggregatedPayloadSize });
      },
      optionsFor(method.streamingInputCall),
    ),
    server(
      fromProto(method.fullDuplexCall),
      (requests, ctx) => Promise.resolve(duplex(requests, ctx)),
      optionsFor(method.fullDuplexCall),
    ),
  ];
}

function payload(size: number): { body: Uint8Array } {
  return { body: new Uint8Array(size) };
}

function throwStatus(status: EchoStatus | undefined): void {
  if (status === undefined || status.code === 0) return;
  const code = codeOfStatus(status.code);
  throw new KitError(code === "ok" ? "unknown" : code, status.message);
}

/** Sends back what the tests ask to be sent back, and "x-many". */
function echoMetadata(ctx: Context, { header, trailer }: Reply): Context {
  const initial = ctx.metadata.get("x-grpc-test-echo-initial");
  if (initial !== undefined) header.set("x-grpc-test-echo-initial", initial);
  for (const value of ctx.metadata.getAll("x-many")) header.append("x-many", value);
  const trailing = ctx.metadata.get("x-grpc-test-echo-trailing-bin");
  if (trailing !== undefined) trailer.set("x-grpc-test-echo-trailing-bin", trailing);
  return ctx;
}
