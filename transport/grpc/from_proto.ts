/**
 * Methods out of what `@bufbuild/protobuf` generates.
 * @module
 */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Codec, DescribedMethod, Method } from "./method.ts";

/**
 * The messages that a description of them describes.
 * @typeParam D The description; generated ones carry the type.
 */
export type MessageOf<D> = D extends { readonly $codegenv2: { readonly a: infer M } } ? M
  : { readonly $typeName: string };

/**
 * What {@linkcode fromProto} makes of a described method.
 * @typeParam M The described method.
 */
export type ProtoMethod<M extends DescribedMethod> = Method<
  M["methodKind"] extends "client_streaming" | "bidi_streaming"
    ? AsyncIterable<MessageOf<M["input"]>>
    : MessageOf<M["input"]>,
  M["methodKind"] extends "server_streaming" | "bidi_streaming"
    ? AsyncIterable<MessageOf<M["output"]>>
    : MessageOf<M["output"]>
>;

/**
 * Makes a method of the description that `protoc-gen-es` has generated for it, or that a registry
 * has. The types of its messages come along.
 * @typeParam M The described method.
 * @param descriptor The description, as `AddService.method.sum`.
 * @returns The method, of whichever of the four kinds.
 * @example Usage
 * ```ts
 * import { create, createFileRegistry } from "@bufbuild/protobuf";
 * import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
 * import { fromProto } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * const file = create(FileDescriptorProtoSchema, {
 *   name: "add.proto",
 *   package: "pb",
 *   syntax: "proto3",
 *   messageType: [{ name: "Number" }],
 *   service: [{
 *     name: "Add",
 *     method: [{ name: "Sum", inputType: ".pb.Number", outputType: ".pb.Number" }],
 *   }],
 * });
 * const service = createFileRegistry(file, () => undefined).getService("pb.Add")!;
 * assert.equal(fromProto(service.method.sum!).path, "/pb.Add/Sum");
 * ```
 */
export function fromProto<M extends DescribedMethod>(descriptor: M): ProtoMethod<M> {
  const { parent, name, methodKind, input, output } = descriptor;
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    request: codec(input as DescMessage),
    response: codec(output as DescMessage),
    descriptor,
  };
}

function codec<M extends DescMessage>(schema: M): Codec<unknown> {
  return {
    serialize: (value) => toBinary(schema, value as MessageShape<M>),
    // What grpc-js hands out is a Buffer, and so would be every field of bytes.
    deserialize: ({ buffer, byteOffset, byteLength }) =>
      fromBinary(schema, new Uint8Array(buffer, byteOffset, byteLength)),
  };
}
