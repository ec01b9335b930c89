/**
 * HTTP by hand. Named as a test, so that it is not published.
 * @module
 */
import { exchange, joined, type Then, utf8 } from "./_support_test.ts";

/** The head of a request, without the length of its body. */
export const head = (lines: string, path = "/ask"): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`;

/** A request. */
export const post = (body: string, path?: string): string =>
  head(`Content-Length: ${body.length}`, path) + body;

/** The head of a response, without the length of its body. */
export const ok = (lines: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${lines}\r\n\r\n`;

/** A response. */
export const reply = (body: string): string => ok(`Content-Length: ${body.length}`) + body;

/** Sends text on a connection of its own, and gives the response, or nothing if there is none. */
export async function exchangeHttp(port: number, text: string, then?: Then): Promise<string> {
  return new TextDecoder().decode(await exchange(port, utf8(text), { then, until: isWhole }));
}

function isWhole(got: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(got);
  const end = text.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  return end >= 0 && got.length >= end + 4 + Number(length ?? 0);
}

const FRAMES = { data: 0, headers: 1, settings: 4 };

/** A frame of HTTP/2, which is of the first stream if it is of any. */
export function http2Frame(
  type: keyof typeof FRAMES,
  flags: number,
  payload: Uint8Array = new Uint8Array(),
  length: number = payload.length,
): Uint8Array<ArrayBuffer> {
  const size = [length >> 16, length >> 8 & 255, length & 255];
  const stream = type === "settings" ? 0 : 1;
  return joined(Uint8Array.of(...size, FRAMES[type], flags, 0, 0, 0, stream), payload);
}

/** A field of a header, in HPACK without any compression. */
export const field = (name: string, value: string): Uint8Array<ArrayBuffer> =>
  joined(Uint8Array.of(0, name.length), name, Uint8Array.of(value.length), value);
