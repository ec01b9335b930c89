/**
 * Service discovery by DNS: SRV records, or the addresses of a host.
 *
 * ```ts
 * import { dnsInstancer } from "@kit/sd/dns";
 * import assert from "node:assert/strict";
 *
 * await using instancer = dnsInstancer("_http._tcp.stringsvc.example.com", {
 *   server: "127.0.0.1:8600",
 * });
 * assert.equal(instancer.status.state, "connecting");
 * ```
 * @module
 */
export * from "./instancer.ts";
export * from "./resolver.ts";
