/**
 * Finds keys that occur twice in one JSON object, which `JSON.parse` passes over in silence.
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Tells the first key that occurs twice in one object (RFC 7493 section 2.3 forbids it: parsers
 * differ on which value counts).
 * @param text Valid JSON.
 */
export function duplicateKey(text: string): string | undefined {
  // Two keys need two colons: most small bodies are done here.
  if (text.indexOf(":", text.indexOf(":") + 1) < 0) return undefined;
  const objects: Set<string>[] = [];
  let last = "";
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = endOfString(text, i);
        last = text.slice(i, end + 1);
        i = end;
        break;
      }
      case OPEN_OBJECT:
        objects.push(new Set());
        break;
      case CLOSE_OBJECT:
        objects.pop();
        break;
      case COLON: {
        const keys = objects[objects.length - 1]!;
        const key: string = last.includes("\\") ? JSON.parse(last) : last.slice(1, -1);
        if (keys.has(key)) return key;
        keys.add(key);
      }
    }
  }
  return undefined;
}

/** The place of the quote that ends the string beginning at `start`. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1);; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}
