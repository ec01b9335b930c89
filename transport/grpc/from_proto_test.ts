import { create, createFileRegistry, type DescMessage, type DescMethod } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type StringValue,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { collect, serving, streamOf } from "./_support_test.ts";
import { fromProto } from "./from_proto.ts";
import type { Method } from "./method.ts";

type Kind = DescMethod["methodKind"];

/** A described method, typed as generated code types it. */
function described<K extends Kind>(
  methodKind: K,
): DescMethod & {
  methodKind: K;
  input: typeof StringValueSchema;
  output: typeof StringValueSchema;
} {
  const file = create(FileDescriptorProtoSchema, {
    name: "s.proto",
    package: "pb",
    dependency: ["google/protobuf/wrappers.proto"],
    service: [{
      name: "Strings",
      method: [{
        name: "Call",
        inputType: ".google.protobuf.StringValue",
        outputType: ".google.protobuf.StringValue",
        clientStreaming: methodKind === "client_streaming" || methodKind === "bidi_streaming",
        serverStreaming: methodKind === "server_streaming" || methodKind === "bidi_streaming",
      }],
    }],
  });
  const wrappers = (StringValueSchema as DescMessage).file;
  const registry = createFileRegistry(
    file,
    (name) => name === wrappers.proto.name ? wrappers : undefined,
  );
  return registry.getService("pb.Strings")!.methods[0] as ReturnType<typeof described<K>>;
}

const text = (value: string): StringValue => create(StringValueSchema, { value });

Deno.test("fromProto() makes methods of all four kinds, with the types of their messages", async () => {
  const unary: Method<StringValue, StringValue> = fromProto(described("unary"));
  const down: Method<StringValue, AsyncIterable<StringValue>> = fromProto(
    described("server_streaming"),
  );
  const up: Method<AsyncIterable<StringValue>, StringValue> = fromProto(
    described("client_streaming"),
  );
  const both: Method<AsyncIterable<StringValue>, AsyncIterable<StringValue>> = fromProto(
    described("bidi_streaming"),
  );
  // @ts-expect-error: a stream is no message.
  const wrong: Method<StringValue, StringValue> = fromProto(described("server_streaming"));
  assert.equal(wrong.path, "/pb.Strings/Call");
  assert.equal(unary.descriptor?.name, "Call");

  await using one = await serving(unary, (s) => Promise.resolve(text(s.value + "!")));
  assert.equal((await one.call(text("ü"), background())).value, "ü!");
  await using two = await serving(down, (s) => Promise.resolve(streamOf(s, s)));
  assert.equal((await collect(await two.call(text("a"), background()))).length, 2);
  await using three = await serving(
    up,
    async (s) => text((await collect(s)).map(({ value }) => value).join("")),
  );
  assert.equal((await three.call(streamOf(text("a"), text("b")), background())).value, "ab");
  await using four = await serving(both, (s) => Promise.resolve(s));
  assert.equal((await collect(await four.call(streamOf(text("a")), background()))).length, 1);
});

Deno.test("fromProto() decodes into messages, and fails with internal for bytes that are none", async () => {
  const method = fromProto(described("unary"));
  await using there = await serving(method, (s) => Promise.resolve(s));
  const raw = {
    ...method,
    request: { serialize: () => new Uint8Array([10, 200]), deserialize: Object },
  };
  const { client } = await import("./client.ts");
  await assert.rejects(client(there.pair.channel, raw)(text(""), background()), {
    code: "internal",
    message: "Cannot decode request",
  });
});
