/**
 * The service that gRPC's interoperability tests call, as far as they need it.
 * @module
 */
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { protoFile } from "../_proto_file.ts";

/** The file, with names and numbers as the peers have them. */
export const testFile = protoFile(
  "kit/grpc_testing.proto",
  `
package grpc.testing;
message Empty {
}
message BoolValue {
  bool value = 1;
}
enum PayloadType {
  COMPRESSABLE = 0;
}
message Payload {
  PayloadType type = 1;
  bytes body = 2;
}
message EchoStatus {
  int32 code = 1;
  string message = 2;
}
message SimpleRequest {
  PayloadType response_type = 1;
  int32 response_size = 2;
  Payload payload = 3;
  BoolValue response_compressed = 6;
  EchoStatus response_status = 7;
  BoolValue expect_compressed = 8;
  bool fill_server_id = 9;
}
message SimpleResponse {
  Payload payload = 1;
  string server_id = 4;
}
message StreamingInputCallRequest {
  Payload payload = 1;
  BoolValue expect_compressed = 2;
}
message StreamingInputCallResponse {
  int32 aggregated_payload_size = 1;
}
message ResponseParameters {
  int32 size = 1;
  int32 interval_us = 2;
  BoolValue compressed = 3;
}
message StreamingOutputCallRequest {
  PayloadType response_type = 1;
  repeated ResponseParameters response_parameters = 2;
  Payload payload = 3;
  EchoStatus response_status = 7;
}
message StreamingOutputCallResponse {
  Payload payload = 1;
}
service TestService {
  rpc EmptyCall(Empty) returns (Empty);
  rpc UnaryCall(SimpleRequest) returns (SimpleResponse);
  rpc CacheableUnaryCall(SimpleRequest) returns (SimpleResponse);
  rpc StreamingOutputCall(StreamingOutputCallRequest) returns (stream StreamingOutputCallResponse);
  rpc StreamingInputCall(stream StreamingInputCallRequest) returns (StreamingInputCallResponse);
  rpc FullDuplexCall(stream StreamingOutputCallRequest) returns (stream StreamingOutputCallResponse);
  rpc UnimplementedCall(Empty) returns (Empty);
}
service UnimplementedService {
  rpc UnimplementedCall(Empty) returns (Empty);
}
`,
);

type Named<Name extends string, Fields> = Message<`grpc.testing.${Name}`> & Fields;

export type Empty = Named<"Empty", unknown>;
export type BoolValue = Named<"BoolValue", { value: boolean }>;
export type Payload = Named<"Payload", { type: number; body: Uint8Array }>;
export type EchoStatus = Named<"EchoStatus", { code: number; message: string }>;
export type SimpleRequest = Named<"SimpleRequest", {
  responseType: number;
  responseSize: number;
  payload?: Payload;
  responseCompressed?: BoolValue;
  responseStatus?: EchoStatus;
  expectCompressed?: BoolValue;
  fillServerId: boolean;
}>;
export type SimpleResponse = Named<"SimpleResponse", { payload?: Payload; serverId: string }>;
export type StreamingInputCallRequest = Named<"StreamingInputCallRequest", {
  payload?: Payload;
  expectCompressed?: BoolValue;
}>;
export type StreamingInputCallResponse = Named<"StreamingInputCallResponse", {
  aggregatedPayloadSize: number;
}>;
export type ResponseParameters = Named<"ResponseParameters", {
  size: number;
  intervalUs: number;
  compressed?: BoolValue;
}>;
export type StreamingOutputCallRequest = Named<"StreamingOutputCallRequest", {
  responseType: number;
  responseParameters: ResponseParameters[];
  payload?: Payload;
  responseStatus?: EchoStatus;
}>;
export type StreamingOutputCallResponse = Named<"StreamingOutputCallResponse", {
  payload?: Payload;
}>;

interface Unary<Req extends Message, Res extends Message> {
  methodKind: "unary";
  input: GenMessage<Req>;
  output: GenMessage<Res>;
}

// As a generator would write it.
export type TestService = GenService<{
  emptyCall: Unary<Empty, Empty>;
  unaryCall: Unary<SimpleRequest, SimpleResponse>;
  cacheableUnaryCall: Unary<SimpleRequest, SimpleResponse>;
  streamingOutputCall: {
    methodKind: "server_streaming";
    input: GenMessage<StreamingOutputCallRequest>;
    output: GenMessage<StreamingOutputCallResponse>;
  };
  streamingInputCall: {
    methodKind: "client_streaming";
    input: GenMessage<StreamingInputCallRequest>;
    output: GenMessage<StreamingInputCallResponse>;
  };
  fullDuplexCall: {
    methodKind: "bidi_streaming";
    input: GenMessage<StreamingOutputCallRequest>;
    output: GenMessage<StreamingOutputCallResponse>;
  };
  unimplementedCall: Unary<Empty, Empty>;
}>;
export type UnimplementedService = GenService<{ unimplementedCall: Unary<Empty, Empty> }>;

export const [testService, unimplementedService] = testFile.services as unknown as [
  TestService,
  UnimplementedService,
];
