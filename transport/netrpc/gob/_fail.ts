/**
 * The errors of streams that cannot be decoded.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** Refuses what came. */
export function fail(why: string, cause?: unknown): never {
  throw new KitError("invalid_argument", `Cannot decode gob as ${why}`, { cause });
}

/** Refuses what is more than is allowed. */
export function tooMuch(why: string): never {
  throw new KitError("resource_exhausted", `Cannot decode gob as ${why}`);
}
