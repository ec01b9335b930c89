import { create, type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DescriptorProto_ExtensionRangeSchema,
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  file_google_protobuf_api,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { type ReflectionResponse, reflectionService } from "./_reflection_proto.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";
import { fromProto } from "./from_proto.ts";
import { health } from "./health.ts";
import { unary } from "./method.ts";
import { reflection } from "./reflection.ts";
import { type GrpcServer, serve } from "./serve.ts";
import { server } from "./server.ts";
import { testBindings } from "./testdata/test_service.ts";

type Question = NonNullable<
  Parameters<typeof create<typeof methods["v1"]["input"]>>[1]
>["messageRequest"];

const methods = {
  v1: reflectionService("v1").method.serverReflectionInfo,
  v1alpha: reflectionService("v1alpha").method.serverReflectionInfo,
};

/** A file in the older language: a message with an extension of its own, and one within another. */
function extendingFile(): FileDescriptorProto {
  const extension = (name: string, number: number) =>
    create(FieldDescriptorProtoSchema, {
      name,
      number,
      label: FieldDescriptorProto_Label.OPTIONAL,
      type: FieldDescriptorProto_Type.BOOL,
      extendee: ".ext.Base",
    });
  return create(FileDescriptorProtoSchema, {
    name: "ext.proto",
    package: "ext",
    syntax: "proto2",
    messageType: [
      create(DescriptorProtoSchema, {
        name: "Base",
        extensionRange: [
          create(DescriptorProto_ExtensionRangeSchema, { start: 100, end: 200 }),
        ],
      }),
      create(DescriptorProtoSchema, { name: "Scope", extension: [extension("inner", 105)] }),
    ],
    extension: [extension("second", 120), extension("first", 101)],
  });
}

/** A file and all that it imports, before it. */
function withImports(file: DescFile): FileDescriptorProto[] {
  return [...file.dependencies.flatMap(withImports), file.proto];
}

function descriptorSet(): Uint8Array {
  const files = [extendingFile(), ...withImports(file_google_protobuf_api)];
  const byName = new Map(files.map((file) => [file.name, file]));
  return toBinary(
    FileDescriptorSetSchema,
    create(FileDescriptorSetSchema, { file: [...byName.values()] }),
  );
}

const plain = { serialize: (b: Uint8Array) => b, deserialize: (b: Uint8Array) => b };

function start(): Promise<GrpcServer> {
  const undescribed = server(
    unary("/plain.Bytes/Echo", { request: plain, response: plain }),
    (bytes) => Promise.resolve(bytes),
  );
  return serve([...testBindings(), undescribed], {
    listen: "127.0.0.1:0",
    signals: [],
    services: [
      reflection({ descriptorSet: descriptorSet() }),
      health().service,
    ],
  });
}

/** Asks on one stream, and gives the answers. */
async function ask(
  running: GrpcServer,
  questions: readonly Question[],
  version: keyof typeof methods = "v1",
): Promise<ReflectionResponse[]> {
  using there = channel(`127.0.0.1:${running.addr.port}`);
  const method = methods[version];
  const call = client(there, fromProto(method));
  const requests = async function* () {
    for (const messageRequest of questions) {
      yield await Promise.resolve(create(method.input, { host: "h", messageRequest }));
    }
  };
  return await Array.fromAsync(await call(requests(), background()));
}

/** What an answer says, with files by their names. */
function gist({ messageResponse: { case: kind, value } }: ReflectionResponse): unknown {
  switch (kind) {
    case "fileDescriptorResponse":
      return value.fileDescriptorProto.map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes).name
      );
    case "listServicesResponse":
      return value.service.map(({ name }) => name);
    case "allExtensionNumbersResponse":
      return { [value.baseTypeName]: value.extensionNumber };
    case "errorResponse":
      return value.errorCode;
  }
}

Deno.test("reflection() lists every service of the server, in both versions", async () => {
  await using running = await start();
  for (const version of ["v1", "v1alpha"] as const) {
    const [answer] = await ask(running, [{ case: "listServices", value: "*" }], version);
    assert.deepEqual(gist(answer!), [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "grpc.testing.TestService",
      "plain.Bytes",
    ]);
    assert.equal(answer!.validHost, "h");
    assert.equal(answer!.originalRequest!.messageRequest.value, "*");
  }
});

Deno.test("reflection() finds the file of whatever has a name", async () => {
  await using running = await start();
  const testing = "kit/grpc_testing.proto";
  const symbols: Record<string, string> = {
    "grpc.testing.TestService": testing,
    "grpc.testing.TestService.UnaryCall": testing,
    "grpc.testing.Payload": testing,
    "grpc.testing.Payload.body": testing,
    "grpc.testing.PayloadType": testing,
    // The values of an enum are beside it.
    "grpc.testing.COMPRESSABLE": testing,
    "grpc.health.v1.HealthCheckResponse.ServingStatus": "grpc/health/v1/health.proto",
    "grpc.health.v1.HealthCheckResponse.NOT_SERVING": "grpc/health/v1/health.proto",
    "grpc.reflection.v1.ServerReflectionRequest.message_request":
      "grpc/reflection/v1/reflection.proto",
    "ext.Scope.inner": "ext.proto",
    "ext.first": "ext.proto",
  };
  const answers = await ask(
    running,
    Object.keys(symbols).map((value) => ({ case: "fileContainingSymbol", value })),
  );
  assert.deepEqual(answers.map(gist), Object.values(symbols).map((name) => [name]));
});

Deno.test("reflection() sends imported files along, each once on a stream", async () => {
  await using running = await start();
  const [api, any] = ["google/protobuf/api.proto", "google/protobuf/any.proto"];
  const answers = await ask(
    running,
    [api, api, any].map((value) => ({ case: "fileByFilename", value: value! })),
  );
  const [first, second, third] = answers.map(gist) as string[][];
  assert.equal(first![0], api);
  assert.deepEqual(first!.toSorted(), [
    any,
    api,
    "google/protobuf/source_context.proto",
    "google/protobuf/type.proto",
  ]);
  assert.deepEqual([second, third], [[api], [any]]);
});

Deno.test("reflection() finds extensions by message and number", async () => {
  await using running = await start();
  const answers = await ask(running, [
    { case: "allExtensionNumbersOfType", value: "ext.Base" },
    { case: "allExtensionNumbersOfType", value: "ext.Scope" },
    {
      case: "fileContainingExtension",
      value: { containingType: "ext.Base", extensionNumber: 105 },
    },
  ]);
  assert.deepEqual(answers.map(gist), [
    { "ext.Base": [101, 105, 120] },
    { "ext.Scope": [] },
    ["ext.proto"],
  ]);
});

Deno.test("reflection() answers what it does not know with an error, and goes on", async () => {
  await using running = await start();
  const answers = await ask(running, [
    { case: "fileByFilename", value: "no.proto" },
    { case: "fileContainingSymbol", value: "no.Thing" },
    { case: "fileContainingSymbol", value: "__proto__" },
    { case: "fileContainingSymbol", value: "" },
    { case: "fileContainingSymbol", value: "plain.Bytes" },
    { case: "fileContainingExtension", value: { containingType: "ext.Base", extensionNumber: 1 } },
    { case: "fileContainingExtension", value: { containingType: "no.Thing", extensionNumber: 1 } },
    { case: "allExtensionNumbersOfType", value: "no.Thing" },
    { case: undefined },
    { case: "fileByFilename", value: "ext.proto" },
  ]);
  assert.deepEqual(answers.map(gist), [5, 5, 5, 5, 5, 5, 5, 5, 3, ["ext.proto"]]);
});

Deno.test("reflection() does not hold up the stop of a server", async () => {
  const running = await start();
  using there = channel(`127.0.0.1:${running.addr.port}`);
  const end = Promise.withResolvers<void>();
  const requests = async function* () {
    yield create(methods.v1.input, { messageRequest: { case: "listServices", value: "" } });
    await end.promise;
  };
  const answers = await client(there, fromProto(methods.v1))(requests(), background());
  const iterator = answers[Symbol.asyncIterator]();
  await iterator.next();
  const stopped = running.shutdown();
  assert((await iterator.next()).done);
  assert(await stopped);
  end.resolve();
});

Deno.test("reflection() refuses a descriptor set that is none or lacks an import", () => {
  const lacking = create(FileDescriptorSetSchema, { file: [file_google_protobuf_api.proto] });
  for (const descriptorSet of [new Uint8Array([7]), toBinary(FileDescriptorSetSchema, lacking)]) {
    assert.throws(() => reflection({ descriptorSet }), TypeError);
  }
});
