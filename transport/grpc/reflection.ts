/**
 * Tells over gRPC what services there are and how their messages look, as grpcurl and others ask.
 * @module
 */
import {
  create,
  createFileRegistry,
  type DescFile,
  fromBinary,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Code } from "@kit/endpoint";
import { FileIndex } from "./_file_index.ts";
import {
  type ReflectionRequest,
  type ReflectionResponse,
  type ReflectionService,
  reflectionService,
} from "./_reflection_proto.ts";
import { fromProto } from "./from_proto.ts";
import type { Service } from "./serve.ts";
import { type Binding, server } from "./server.ts";
import { statusOf } from "./status.ts";

/** Options for {@linkcode reflection}. */
export interface ReflectionOptions {
  /**
   * A serialized `google.protobuf.FileDescriptorSet`, as `buf build` and
   * `protoc --include_imports --descriptor_set_out` write it: the files of methods that were not made
   * by `fromProto`, of extensions, and of what is packed in an `Any`.
   */
  readonly descriptorSet?: Uint8Array;
}

/**
 * Gives the services `grpc.reflection.v1.ServerReflection` and `grpc.reflection.v1alpha.ServerReflection`,
 * so that tools can call a server without its `.proto` files.
 *
 * Every service of the server is listed. Methods that were made by `fromProto` are described as well,
 * with the files that they need. Who still asks when the server begins to stop is cut short.
 * @param options Further files.
 * @returns The two services, for the `services` of a server.
 * @throws {TypeError} If `descriptorSet` is none, or lacks a file that another imports.
 * @example Usage
 * ```ts
 * import { serve } from "@kit/transport/grpc";
 * import { health } from "@kit/transport/grpc/health";
 * import { reflection } from "@kit/transport/grpc/reflection";
 * import assert from "node:assert/strict";
 * await using running = await serve([], {
 *   listen: "127.0.0.1:0",
 *   services: [health().service, reflection()],
 * });
 * assert(running.addr.port > 0); // grpcurl -plaintext 127.0.0.1:PORT list
 * ```
 */
export function reflection(options: ReflectionOptions = {}): Service {
  const { descriptorSet } = options;
  const files = descriptorSet === undefined ? [] : filesOf(descriptorSet);
  return (host) => {
    const versions = [reflectionService("v1"), reflectionService("v1alpha")];
    // Other services may come after this one, so all are looked at only when somebody asks.
    let schema: Schema | undefined;
    return versions.map(({ method: { serverReflectionInfo: method } }) => {
      async function* answers(
        questions: AsyncIterable<ReflectionRequest>,
      ): AsyncGenerator<ReflectionResponse, void> {
        schema ??= new Schema(host.bindings, files);
        const known: Known = new Set();
        for await (const originalRequest of endingWith(host.stopping, questions)) {
          yield create(method.output, {
            validHost: originalRequest.host,
            originalRequest,
            messageResponse: schema.answer(originalRequest, known),
          });
        }
      }

      return server(fromProto(method), (questions) => Promise.resolve(answers(questions)));
    });
  };
}

function filesOf(descriptorSet: Uint8Array): readonly DescFile[] {
  try {
    return [...createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet)).files];
  } catch (cause) {
    throw new TypeError("Cannot use descriptorSet as it is no whole FileDescriptorSet", { cause });
  }
}

type Known = Set<DescFile>;
type Answer = NonNullable<
  MessageInitShape<ReflectionService["method"]["serverReflectionInfo"]["output"]>["messageResponse"]
>;

/** What a server can tell of itself. */
class Schema {
  readonly #index: FileIndex;
  readonly #services: readonly { readonly name: string }[];

  constructor(bindings: readonly Binding[], files: readonly DescFile[]) {
    const methods = bindings.map(({ method }) => method);
    const described = methods.flatMap(({ descriptor }) =>
      (descriptor?.parent.file as DescFile | undefined) ?? []
    );
    this.#index = new FileIndex([...described, ...files]);
    const names = new Set(methods.map(({ path }) => path.split("/")[1]!));
    this.#services = [...names].sort().map((name) => ({ name }));
  }

  /** Answers a question; `known` has the files that were told on this stream. */
  answer({ messageRequest: { case: kind, value } }: ReflectionRequest, known: Known): Answer {
    switch (kind) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: [...this.#services] } };
      case "fileByFilename":
        return this.#files(this.#index.byName(value), known);
      case "fileContainingSymbol":
        return this.#files(this.#index.bySymbol(value), known);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = value;
        return this.#files(this.#index.byExtension(containingType, extensionNumber), known);
      }
      case "allExtensionNumbersOfType": {
        const extensionNumber = this.#index.extensionsOf(value);
        return extensionNumber === undefined ? failure("not_found", "Unknown type") : {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: value, extensionNumber: [...extensionNumber] },
        };
      }
      case undefined:
        return failure("invalid_argument", "Unknown question");
    }
  }

  #files(file: DescFile | undefined, known: Known): Answer {
    return file === undefined ? failure("not_found", "Unknown file, symbol or extension") : {
      case: "fileDescriptorResponse",
      value: { fileDescriptorProto: this.#index.withImports(file, known) },
    };
  }
}

function failure(code: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: statusOf(code), errorMessage } };
}

/** Passes a stream on, until the signal ends it. */
async function* endingWith<T>(signal: AbortSignal, stream: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = stream[Symbol.asyncIterator]();
  const end = () => void iterator.return?.();
  signal.addEventListener("abort", end);
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", end);
  }
}
