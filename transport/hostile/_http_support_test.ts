/**
 * HTTP by hand. Named as a test, so that it is not published.
 * @module
 */
import { exchange, type Then, utf8 } from "./_support_test.ts";

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
