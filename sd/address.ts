/**
 * The address of an instance: `host:port`, `[::1]:port`, or a URL.
 * @module
 */

/** The parts of an address. */
export interface Address {
  /** The host name or the IP address; an IPv6 address without brackets. */
  readonly host: string;
  /** The port, from 1 to 65535. */
  readonly port: number;
  /** The URL, if the address is one. */
  readonly url?: string;
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const HOST_PORT = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([\p{L}\p{N}._-]+)):(\d+)$/u;
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "ws:": 80,
  "wss:": 443,
};

/**
 * Takes an address apart.
 * @param address The address: `host:port`, with an IPv6 host in brackets, or a URL whose port is
 * told by it or by its scheme.
 * @returns Its parts.
 * @throws {TypeError} If it is no address, its port is not from 1 to 65535, or it holds a password.
 * @example Usage
 * ```ts
 * import { parseAddress } from "@kit/sd";
 * import assert from "node:assert/strict";
 * assert.deepEqual(parseAddress("[::1]:8080"), { host: "::1", port: 8080 });
 * assert.equal(parseAddress("https://api.example/v1").port, 443);
 * assert.throws(() => parseAddress("db.example:0"), TypeError);
 * ```
 */
export function parseAddress(address: string): Address {
  if (SCHEME.test(address)) return parseUrl(address);
  const match = HOST_PORT.exec(address);
  if (match === null) refuse(address, `is not "host:port"`);
  const [, ipv6, name] = match;
  if (ipv6 !== undefined && !URL.canParse(`http://[${ipv6.split("%")[0]}]`)) {
    refuse(address, "does not hold an IPv6 address");
  }
  return { host: (ipv6 ?? name)!, port: checkPort(address, match[3]!) };
}

function parseUrl(address: string): Address {
  if (!URL.canParse(address)) refuse(address, "is not a URL");
  const { hostname, port, protocol, username, password } = new URL(address);
  if (username !== "" || password !== "") refuse(address, "must not hold credentials");
  if (hostname === "") refuse(address, "names no host");
  const given = port === "" ? DEFAULT_PORTS[protocol] : port;
  if (given === undefined) refuse(address, "names no port");
  const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return { host, port: checkPort(address, String(given)), url: address };
}

function checkPort(address: string, text: string): number {
  const port = Number(text);
  if (text.length > 5 || port < 1 || port > 65535) refuse(address, "has no port from 1 to 65535");
  return port;
}

function refuse(address: string, rule: string): never {
  const shown = address.replace(/\/\/[^/]*@/, "//***@");
  throw new TypeError(`Cannot use address as it ${rule}: current value is "${shown}"`);
}

/**
 * Joins a host and a port to an address, with brackets around an IPv6 host.
 * @param host The host name or the IP address.
 * @param port The port.
 * @returns The address.
 * @throws {TypeError} If the result is no address.
 * @example Usage
 * ```ts
 * import { joinAddress } from "@kit/sd";
 * import assert from "node:assert/strict";
 * assert.equal(joinAddress("::1", 8080), "[::1]:8080");
 * ```
 */
export function joinAddress(host: string, port: number): string {
  const address = host.includes(":") && !host.startsWith("[")
    ? `[${host}]:${port}`
    : `${host}:${port}`;
  parseAddress(address);
  return address;
}
