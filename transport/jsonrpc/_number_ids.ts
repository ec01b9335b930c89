/**
 * Finds the ids of requests as they were written, which `JSON.parse` may have rounded.
 * @module
 */
import { endOfString } from "../http/_duplicate_key.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NUMBER = /\s*(-?\d[\d.eE+-]*)/y;

/**
 * Tells the ids that are numbers, as text, by the place of their request in the batch; a request that
 * is no batch has place 0. It walks the text from end to end.
 * @param text Valid JSON.
 */
export function numberIds(text: string): ReadonlyMap<number, string> {
  const ids = new Map<number, string>();
  const isBatch = /^\s*\[/.test(text);
  const depthOfMembers = isBatch ? 2 : 1;
  let depth = 0;
  let place = 0;
  let last = "";
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = endOfString(text, i);
        if (depth === depthOfMembers) last = text.slice(i, end + 1);
        i = end;
        break;
      }
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth++;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth--;
        break;
      case COMMA:
        if (isBatch && depth === 1) place++;
        break;
      case COLON: {
        if (depth !== depthOfMembers || !isId(last)) break;
        NUMBER.lastIndex = i + 1;
        const [, id] = NUMBER.exec(text) ?? [];
        // Of a key that occurs twice the last value counts, as it does for `JSON.parse`.
        if (id === undefined) ids.delete(place);
        else ids.set(place, id);
      }
    }
  }
  return ids;
}

/** Whether a key, as it was written, is `id`; a letter may be written as six characters. */
function isId(key: string): boolean {
  return key === '"id"' || (key.includes("\\") && key.length <= 14 && JSON.parse(key) === "id");
}
