/**
 * The context of a call that came by gRPC. Nothing of it is made before it is asked for.
 * @module
 */
import type { Metadata as GrpcMetadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { type Context, type ContextKey, type Metadata, NO_METADATA } from "@kit/endpoint";
import { grpcMethod, peerCertificate, remoteAddress } from "./keys.ts";
import { IncomingMetadata } from "./_metadata.ts";

/** The context of one call. */
export class CallContext implements Context {
  readonly canAbort = true;
  readonly outgoing: Metadata = NO_METADATA;
  readonly deadline: number | undefined;
  readonly #path: string;
  readonly #call: ServerInterceptingCallInterface;
  readonly #source: GrpcMetadata;
  #metadata: Metadata | undefined;
  #controller: AbortController | undefined;
  #reason: { readonly error: unknown } | undefined;

  constructor(path: string, call: ServerInterceptingCallInterface, source: GrpcMetadata) {
    this.#path = path;
    this.#call = call;
    this.#source = source;
    const deadline = Number(call.getDeadline());
    this.deadline = deadline === Infinity ? undefined : deadline;
  }

  get metadata(): Metadata {
    return this.#metadata ??= new IncomingMetadata(this.#source);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason.error);
    }
    return this.#controller.signal;
  }

  /** Tells that nobody waits any more. */
  abort(error: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = { error };
    this.#controller?.abort(error);
  }

  value<T>(key: ContextKey<T>): T | undefined {
    return this.#value(key) as T | undefined;
  }

  #value(key: ContextKey<unknown>): unknown {
    if (key === grpcMethod) return this.#path;
    if (key === remoteAddress) return this.#address();
    if (key === peerCertificate) return this.#call.getAuthContext().sslPeerCertificate;
    return undefined;
  }

  #address(): string | undefined {
    const { remoteAddress: host, remotePort } = this.#call.getConnectionInfo();
    if (host === undefined || remotePort === undefined) return host;
    return host.includes(":") ? `[${host}]:${remotePort}` : `${host}:${remotePort}`;
  }
}
