/**
 * The messages of server reflection.
 * @module
 */
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { protoFile } from "./_proto_file.ts";

/** A question. */
export type ReflectionRequest = Message & {
  host: string;
  messageRequest:
    | { case: "fileByFilename"; value: string }
    | { case: "fileContainingSymbol"; value: string }
    | { case: "fileContainingExtension"; value: ExtensionRequest }
    | { case: "allExtensionNumbersOfType"; value: string }
    | { case: "listServices"; value: string }
    | { case: undefined; value?: undefined };
};
type ExtensionRequest = Message & { containingType: string; extensionNumber: number };

/** An answer. */
export type ReflectionResponse = Message & {
  validHost: string;
  originalRequest?: ReflectionRequest;
  messageResponse:
    | { case: "fileDescriptorResponse"; value: Message & { fileDescriptorProto: Uint8Array[] } }
    | {
      case: "allExtensionNumbersResponse";
      value: Message & { baseTypeName: string; extensionNumber: number[] };
    }
    | { case: "listServicesResponse"; value: Message & { service: (Message & { name: string })[] } }
    | { case: "errorResponse"; value: Message & { errorCode: number; errorMessage: string } }
    | { case: undefined; value?: undefined };
};

/** The service, as a generator would describe it. */
export type ReflectionService = GenService<{
  serverReflectionInfo: {
    methodKind: "bidi_streaming";
    input: GenMessage<ReflectionRequest>;
    output: GenMessage<ReflectionResponse>;
  };
}>;

/** Describes the service; its two versions differ by nothing but the name. */
export function reflectionService(version: "v1" | "v1alpha"): ReflectionService {
  const file = protoFile(
    `grpc/reflection/${version}/reflection.proto`,
    `
    package grpc.reflection.${version};
    message ServerReflectionRequest {
      string host = 1;
      oneof message_request {
        string file_by_filename = 3;
        string file_containing_symbol = 4;
        ExtensionRequest file_containing_extension = 5;
        string all_extension_numbers_of_type = 6;
        string list_services = 7;
      }
    }
    message ExtensionRequest {
      string containing_type = 1;
      int32 extension_number = 2;
    }
    message ServerReflectionResponse {
      string valid_host = 1;
      ServerReflectionRequest original_request = 2;
      oneof message_response {
        FileDescriptorResponse file_descriptor_response = 4;
        ExtensionNumberResponse all_extension_numbers_response = 5;
        ListServiceResponse list_services_response = 6;
        ErrorResponse error_response = 7;
      }
    }
    message FileDescriptorResponse {
      repeated bytes file_descriptor_proto = 1;
    }
    message ExtensionNumberResponse {
      string base_type_name = 1;
      repeated int32 extension_number = 2;
    }
    message ListServiceResponse {
      repeated ServiceResponse service = 1;
    }
    message ServiceResponse {
      string name = 1;
    }
    message ErrorResponse {
      int32 error_code = 1;
      string error_message = 2;
    }
    service ServerReflection {
      rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
    }
    `,
  );
  return file.services[0] as unknown as ReflectionService;
}
