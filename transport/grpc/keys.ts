/**
 * What the context of a call that came by gRPC knows of it.
 * @module
 */
import { type ContextKey, contextKey } from "@kit/endpoint";
import type { PeerCertificate } from "node:tls";

/**
 * Finds the full name of the method of a call that came by gRPC, as `/pkg.Service/Method`.
 * @example Usage
 * ```ts
 * import { background, withValue } from "@kit/endpoint";
 * import { grpcMethod } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * const ctx = withValue(background(), grpcMethod, "/pb.Add/Sum");
 * assert.equal(ctx.value(grpcMethod), "/pb.Add/Sum");
 * ```
 */
export const grpcMethod: ContextKey<string> = contextKey("grpc method");

/** Finds the certificate that the caller has shown, where the server asks for one and trusts it. */
export const peerCertificate: ContextKey<PeerCertificate> = contextKey("peer certificate");

export { remoteAddress } from "../http/keys.ts";
