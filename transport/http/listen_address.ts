/**
 * Addresses to listen on.
 * @module
 */

/** Where to listen. */
export interface ListenAddress {
  /** The host to bind to. */
  readonly hostname: string;
  /** The port; 0 for any that is free. */
  readonly port: number;
}

/**
 * Reads an address to listen on, as Go writes it: `:8080` for all interfaces, or `host:port`, with an
 * IPv6 host in brackets.
 * @param text The address.
 * @returns Its host, `0.0.0.0` when left out, and its port.
 * @throws {TypeError} If it is no such address.
 * @example Usage
 * ```ts
 * import { parseListenAddress } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * assert.deepEqual(parseListenAddress(":8080"), { hostname: "0.0.0.0", port: 8080 });
 * assert.deepEqual(parseListenAddress("[::1]:80"), { hostname: "::1", port: 80 });
 * ```
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([\da-f:.%\w]+)\]|([^\s:[\]/]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new TypeError(
      `Cannot listen as the address must be ":port" or "host:port": current value is "${text}"`,
    );
  }
  return { hostname: match[1] ?? (match[2] || "0.0.0.0"), port };
}
