/**
 * Headers that concern one connection only.
 * @module
 */

/** The headers of RFC 9110 section 7.6.1. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether a header is about one request on one connection, so is for its client alone to set. */
export function isOfConnection(name: string): boolean {
  return name === "host" || name === "content-length" || HOP_BY_HOP.has(name);
}
