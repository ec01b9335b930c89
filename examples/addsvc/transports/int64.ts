/**
 * 64-bit integers of other wires as numbers.
 * @module
 */
import { BusinessError } from "../service.ts";

/** Takes an integer that a number can hold; a larger one would be too large for any sum as well. */
export function toNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new BusinessError("out_of_range", "integer overflow");
  return number;
}
