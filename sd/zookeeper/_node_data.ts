/**
 * What a node holds.
 * @module
 */
import { KitError } from "@kit/endpoint";
import type { Instance } from "../instance.ts";

/** Reads the data of a node, or tells what is wrong with it. */
export function decodeNode(
  path: string,
  data: Uint8Array,
  decode: (data: string) => Instance,
): Instance | KitError {
  try {
    return decode(new TextDecoder().decode(data));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new KitError("data_loss", `Cannot read instance in "${path}": ${why.slice(0, 200)}`, {
      cause,
    });
  }
}
