/**
 * Tells over gRPC what services there are and how their messages look, as grpcurl and others ask.
 * @module
 */
import { create, type DescFile, type MessageInitShape } from "@bufbuild/protobuf";
import type { Code } from "@kit/endpoint";
import { FileIndex } from "./_file_index.ts";
import {
  type ReflectionRequest,
  type ReflectionResponse,
  type ReflectionService,
  reflectionService,
} from "./_reflection_proto.ts";
import { fromProto } from "./from_proto.ts";
import { type Binding, server } from "./server.ts";
import { statusOf } from "./status.ts";

/** Options for {@linkcode reflection}. */
export interface ReflectionOptions {
  /**
   * Files besides those of the bindings: of extensions, of what is packed in an `Any`.
   * @default {[]}
   */
  readonly files?: readonly DescFile[];
}

/**
 * Gives the services `grpc.reflection.v1.ServerReflection` and `grpc.reflection.v1alpha.ServerReflection`
 * for a server, so that tools can call it without its `.proto` files.
 *
 * Every service of the bindings is listed, and these two. Methods that were made by `fromProto` are
 * described as well, with the files that they need.
 * @param bindings What the server serves besides.
 * @param options Further files.
 * @returns The bindings of the two services.
 * @example Usage
 * ```ts
 * import { health, reflection, serve } from "@kit/transport/grpc";
 * const bindings = [...health().bindings];
 * await using running = await serve([...bindings, ...reflection(bindings)], {
 *   listen: "127.0.0.1:0",
 * });
 * ```
 */
export function reflection(
  bindings: readonly Pick<Binding, "method">[],
  options: ReflectionOptions = {},
): readonly Binding[] {
  const { files = [] } = options;
  const versions = [reflectionService("v1"), reflectionService("v1alpha")];
  const described = bindings.flatMap(({ method: { descriptor } }) => descriptor?.parent.file ?? []);
  const index = new FileIndex([...described, ...files, ...versions.map(({ file }) => file)]);
  const names = new Set([
    ...bindings.map(({ method }) => method.path.split("/")[1]!),
    ...versions.map(({ typeName }) => typeName),
  ]);
  const service = [...names].sort().map((name) => ({ name }));

  /** Answers a question; `known` has the files that were told on this stream. */
  function answer(
    { messageRequest: { case: kind, value } }: ReflectionRequest,
    known: Known,
  ): Answer {
    switch (kind) {
      case "listServices":
        return { case: "listServicesResponse", value: { service } };
      case "fileByFilename":
        return fileAnswer(index.byName(value), known);
      case "fileContainingSymbol":
        return fileAnswer(index.bySymbol(value), known);
      case "fileContainingExtension":
        return fileAnswer(index.byExtension(value.containingType, value.extensionNumber), known);
      case "allExtensionNumbersOfType": {
        const extensionNumber = index.extensionsOf(value);
        return extensionNumber === undefined ? failure("not_found", "Unknown type") : {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: value, extensionNumber: [...extensionNumber] },
        };
      }
      case undefined:
        return failure("invalid_argument", "Unknown question");
    }
  }

  function fileAnswer(file: DescFile | undefined, known: Known): Answer {
    return file === undefined ? failure("not_found", "Unknown file, symbol or extension") : {
      case: "fileDescriptorResponse",
      value: { fileDescriptorProto: index.withImports(file, known) },
    };
  }

  return versions.map(({ method: { serverReflectionInfo } }) => {
    async function* answers(
      questions: AsyncIterable<ReflectionRequest>,
    ): AsyncGenerator<ReflectionResponse, void> {
      const known: Known = new Set();
      for await (const originalRequest of questions) {
        yield create(serverReflectionInfo.output, {
          validHost: originalRequest.host,
          originalRequest,
          messageResponse: answer(originalRequest, known),
        });
      }
    }

    return server(
      fromProto(serverReflectionInfo),
      (questions) => Promise.resolve(answers(questions)),
    );
  });
}

type Known = Set<DescFile>;
type Answer = NonNullable<
  MessageInitShape<ReflectionService["method"]["serverReflectionInfo"]["output"]>["messageResponse"]
>;

function failure(code: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: statusOf(code), errorMessage } };
}
