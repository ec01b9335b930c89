/**
 * The request and the answer of HTTP CONNECT, by which Go's clients get to a server on a port of HTTP.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** Where Go's server is found. */
export const DEFAULT_PATH = "/_goRPC_";
/** The status that a client waits for, word by word. */
export const CONNECTED = "200 Connected to Go RPC";

const MAX_BYTES = 65_536;
const latin1 = new TextDecoder("latin1");

/** The head of a request or an answer, and what came after it. */
export interface Head {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly rest: Uint8Array;
}

/** Gathers a head, as bytes come. */
export class HeadReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** Adds bytes; gives the head once it is complete. */
  push(bytes: Uint8Array): Head | undefined {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    const from = Math.max(0, this.#bytes.length - 2);
    this.#bytes = all;
    const end = endOf(all, from);
    if ((end ?? all.length) > MAX_BYTES) {
      throw new KitError(
        "resource_exhausted",
        `Cannot read head as it has over ${MAX_BYTES} bytes`,
      );
    }
    if (end === undefined) return undefined;
    const [line = "", ...lines] = latin1.decode(all.subarray(0, end)).split(/\r?\n/);
    const headers = lines.filter((text) => text !== "").map((text) => {
      const match = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*?)[ \t]*$/.exec(text);
      if (match === null) {
        throw new KitError("invalid_argument", "Cannot read head as a header is malformed");
      }
      return [match[1]!, match[2]!] as const;
    });
    return { line, headers, rest: all.subarray(end) };
  }
}

/** Finds the end of the empty line. Go's clients end theirs without a carriage return. */
function endOf(bytes: Uint8Array, from: number): number | undefined {
  for (let i = bytes.indexOf(0x0a, from); i >= 0; i = bytes.indexOf(0x0a, i + 1)) {
    const next = bytes[i + 1] === 0x0d ? i + 2 : i + 1;
    if (bytes[next] === 0x0a) return next + 1;
  }
  return undefined;
}

/** Writes the request. */
export function connectRequest(path: string, headers: Headers): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return `CONNECT ${path} HTTP/1.0\r\n${lines.join("")}\r\n`;
}

/** Writes the answer to a request line: Go's, or what refuses it. */
export function connectAnswer(line: string, path: string): { text: string; isOpen: boolean } {
  const [method, target, version = ""] = line.split(" ");
  if (!/^HTTP\/1\.[01]$/.test(version)) return refusal("400 Bad Request", "400 Bad Request");
  if (method !== "CONNECT") return refusal("405 Method Not Allowed", "405 must CONNECT");
  if (target !== path) return refusal("404 Not Found", "404 page not found");
  return { text: `HTTP/1.0 ${CONNECTED}\n\n`, isOpen: true };
}

function refusal(status: string, body: string): { text: string; isOpen: boolean } {
  const type = "Content-Type: text/plain; charset=utf-8";
  return {
    text: `HTTP/1.0 ${status}\r\n${type}\r\nConnection: close\r\n\r\n${body}\n`,
    isOpen: false,
  };
}
