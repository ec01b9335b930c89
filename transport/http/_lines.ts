/**
 * Cuts bytes into lines, within a limit.
 * @module
 */
import { KitError } from "@kit/endpoint";

const LF = 10;
const CR = 13;

/** The error of a line over the limit. */
function tooLong(maxBytes: number): KitError {
  return new KitError(
    "resource_exhausted",
    `Cannot read item as it has more than ${maxBytes} bytes`,
  );
}

/**
 * Cuts bytes that come in pieces into lines. A line is decoded when it is whole, so that a letter of
 * several bytes may be cut anywhere.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #isCrAnEnd: boolean;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held = new Uint8Array();
  #size = 0;
  #isAfterCr = false;

  /** Lines end with LF or CR LF, and, if `isCrAnEnd`, with CR as well. */
  constructor(maxBytes: number, { isCrAnEnd }: { readonly isCrAnEnd: boolean }) {
    this.#maxBytes = maxBytes;
    this.#isCrAnEnd = isCrAnEnd;
  }

  /** Takes a piece and tells the lines that it ends, without what ended them. */
  push(piece: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    while (start < piece.length) {
      if (this.#isAfterCr) {
        this.#isAfterCr = false;
        if (piece[start] === LF && ++start === piece.length) break;
      }
      const end = this.#endOf(piece, start);
      if (end < 0) {
        this.#hold(piece.subarray(start));
        break;
      }
      lines.push(this.#line(piece.subarray(start, end)));
      this.#isAfterCr = piece[end] === CR;
      start = end + 1;
    }
    return lines;
  }

  #endOf(piece: Uint8Array, start: number): number {
    const lf = piece.indexOf(LF, start);
    if (!this.#isCrAnEnd) return lf;
    const cr = (lf < 0 ? piece : piece.subarray(0, lf)).indexOf(CR, start);
    return cr < 0 ? lf : cr;
  }

  #line(last: Uint8Array): string {
    if (this.#size > 0) this.#hold(last);
    else if (last.length > this.#maxBytes) throw tooLong(this.#maxBytes);
    const bytes = this.#size > 0 ? this.#held.subarray(0, this.#size) : last;
    this.#size = 0;
    const isCrLf = !this.#isCrAnEnd && bytes.at(-1) === CR;
    return this.#decoder.decode(isCrLf ? bytes.subarray(0, -1) : bytes);
  }

  #hold(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > this.#maxBytes) throw tooLong(this.#maxBytes);
    if (size > this.#held.length) {
      // It grows by doubling, so that pieces of one byte do not copy all that came before.
      const larger = new Uint8Array(Math.min(Math.max(2 * size, 1024), this.#maxBytes));
      larger.set(this.#held.subarray(0, this.#size));
      this.#held = larger;
    }
    this.#held.set(bytes, this.#size);
    this.#size = size;
  }
}
