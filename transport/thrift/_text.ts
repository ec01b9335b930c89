/**
 * Text as UTF-8, both ways.
 * @module
 */
import { Fault } from "./_fault.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to which length a loop is faster than a call of the platform's decoder. */
const SHORT = 24;

/** Reads text. Bytes that are no UTF-8 are refused: replaced ones would be lost. */
export function utf8(bytes: Uint8Array, start: number, size: number): string {
  if (size <= SHORT) {
    let text = "";
    let all = 0;
    for (let i = start; i < start + size; i++) {
      const byte = bytes[i]!;
      all |= byte;
      text += String.fromCharCode(byte);
    }
    if (all < 0x80) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, start + size));
  } catch {
    throw new Fault("a text in it is not UTF-8");
  }
}
