/**
 * What Lambda is told of HTTP responses.
 * @module
 */
import type { EventForm } from "./_http_event.ts";

/** The result of an event, in the fields that its form has. */
export interface HttpResult {
  /** The status. */
  readonly statusCode: number;
  /** The status with its text, as load balancers want it. */
  readonly statusDescription?: string;
  /** Headers with one value; several are joined. */
  readonly headers?: Record<string, string>;
  /** Headers with all their values. */
  readonly multiValueHeaders?: Record<string, string[]>;
  /** The cookies to set, where they are apart from the headers. */
  readonly cookies?: string[];
  /** The body, as text or in base64. */
  readonly body: string;
  /** Whether the body is in base64. */
  readonly isBase64Encoded: boolean;
}

/** Makes the result out of a response and its body. */
export function resultOf(
  { status, statusText, headers }: Response,
  bytes: Uint8Array,
  form: EventForm,
): HttpResult {
  const body = textOf(bytes);
  const shared = {
    statusCode: status,
    body: body ?? base64(bytes),
    isBase64Encoded: body === undefined,
  };
  const cookies = headers.getSetCookie();
  const single: Record<string, string> = {};
  headers.forEach((value, name) => {
    if (name !== "set-cookie") single[name] = value;
  });
  if (form === "v2") {
    return { ...shared, headers: single, ...(cookies.length > 0 ? { cookies } : {}) };
  }
  const described = form === "v1" ? {} : {
    statusDescription: `${status} ${statusText || (status < 400 ? "OK" : "Error")}`,
  };
  if (form === "alb") {
    // Names are not case-sensitive, but these records are: each cookie takes a spelling of its own.
    cookies.forEach((cookie, i) => single[spelling("set-cookie", i)] = cookie);
    return { ...shared, ...described, headers: single };
  }
  const multi: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(single)) multi[name] = [value];
  if (cookies.length > 0) multi["set-cookie"] = cookies;
  return { ...shared, ...described, multiValueHeaders: multi };
}

/** Tells what is text; nothing for bytes that are none. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  let text = "";
  // Functions take so many arguments only.
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(text);
}

/** Spells a name in the `index`th way: the bits of the index are the letters in upper case. */
function spelling(name: string, index: number): string {
  let bit = 0;
  return name.replaceAll(
    /[a-z]/g,
    (letter) => (index >> bit++) & 1 ? letter.toUpperCase() : letter,
  );
}
