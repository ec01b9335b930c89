/**
 * How much a message may hold.
 * @module
 */

/** How much is read of a message. */
export interface Limits {
  readonly maxDepth: number;
  readonly maxItems: number;
}

/** How deep structs and containers may be nested, as in Apache's TConfiguration. */
export const DEFAULT_MAX_DEPTH = 64;

/** How many items all containers of a message may have together. */
export const DEFAULT_MAX_ITEMS = 1_048_576;

/** How many bytes a message may have: 4 MiB, as on the other wires. */
export const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
