/**
 * Tells streams from values.
 * @module
 */

/** Tells whether a value can be iterated as a stream. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
