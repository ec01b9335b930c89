/**
 * The messages of health checking.
 * @module
 */
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { protoFile } from "./_proto_file.ts";

/** Asks for the status of a service; the empty name is the whole server. */
export type HealthCheckRequest = Message & { service: string };
/** Tells a status by its number. */
export type HealthCheckResponse = Message & { status: number };
/** Tells all statuses by the names of the services. */
export type HealthListResponse = Message & { statuses: { [service: string]: HealthCheckResponse } };

/** The numbers of the statuses. */
export const NUMBERS = { unknown: 0, serving: 1, not_serving: 2, service_unknown: 3 } as const;

/** The service, as a generator would describe it. */
export type HealthService = GenService<{
  check: {
    methodKind: "unary";
    input: GenMessage<HealthCheckRequest>;
    output: GenMessage<HealthCheckResponse>;
  };
  list: { methodKind: "unary"; input: GenMessage<Message>; output: GenMessage<HealthListResponse> };
  watch: {
    methodKind: "server_streaming";
    input: GenMessage<HealthCheckRequest>;
    output: GenMessage<HealthCheckResponse>;
  };
}>;

/** Describes the service. */
export function healthService(): HealthService {
  const file = protoFile(
    "grpc/health/v1/health.proto",
    `
    package grpc.health.v1;
    message HealthCheckRequest {
      string service = 1;
    }
    message HealthCheckResponse {
      enum ServingStatus {
        UNKNOWN = 0;
        SERVING = 1;
        NOT_SERVING = 2;
        SERVICE_UNKNOWN = 3;
      }
      ServingStatus status = 1;
    }
    message HealthListRequest {
    }
    message HealthListResponse {
      map<string, HealthCheckResponse> statuses = 1;
    }
    service Health {
      rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
      rpc List(HealthListRequest) returns (HealthListResponse);
      rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
    }
    `,
  );
  return file.services[0] as unknown as HealthService;
}
