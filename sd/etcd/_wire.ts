/** What etcd's JSON gateway says: 64-bit numbers as strings, bytes as base64, defaults left out. */
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";

/** A key, as far as it matters here. */
export interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
}

/** What answers hold. */
export interface Answer {
  readonly header?: { readonly revision?: string; readonly cluster_id?: string };
  readonly kvs?: readonly KeyValue[];
  readonly ID?: string;
  readonly TTL?: string;
  readonly token?: string;
  readonly result?: Answer;
  // Of watches:
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly cancel_reason?: string;
  readonly compact_revision?: string;
  readonly events?: readonly { readonly type?: "DELETE"; readonly kv: KeyValue }[];
}

/** Bytes as the gateway writes them. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** A text as the gateway writes it. */
export function encodeText(text: string): string {
  return toBase64(new TextEncoder().encode(text));
}

/** A text from what the gateway wrote. */
export function decodeText(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}

/** The keys that begin with a text: from it up to, but without, the text whose end is one more. */
export function prefixRange(prefix: string): { key: string; range_end: string } {
  const end = new TextEncoder().encode(prefix);
  end[end.length - 1]!++; // UTF-8 has no byte 255.
  return { key: encodeText(prefix), range_end: toBase64(end) };
}

/** The revision at which etcd answered. */
export function revisionOf({ header }: Answer): number {
  const revision = Number(header?.revision);
  if (!(revision > 0)) throw new KitError("internal", "Cannot use answer as it has no revision");
  return revision;
}

/** What etcd says to those who have to log in, again or for the first time. */
const LOGIN = /invalid auth token|user name is empty|revision of auth store is old/;

const HTTP_CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "permission_denied",
  404: "unimplemented",
  408: "deadline_exceeded",
  429: "resource_exhausted",
};

/** Reads an answer, or throws what it tells. */
export function parseAnswer(text: string, status: number, where: string): Answer {
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined; // A proxy's page, most likely: nothing for an error's text.
  }
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
  if (!isObject && status === 200) throw failure("internal", where, "its answer is no JSON");
  if (!isObject || status !== 200 && json.code === undefined) {
    const code = HTTP_CODES[status] ?? (status >= 500 ? "unavailable" : "internal");
    throw failure(code, where, `it answered with HTTP status ${status}`);
  }
  // A refusal is the answer itself, or, once a stream has begun, a part of it.
  const refusal = status === 200 ? json.error : json;
  if (refusal !== undefined && refusal !== null) {
    throw refused(refusal.code ?? refusal.grpc_code, refusal.message ?? refusal.error, where);
  }
  if (json.result?.canceled && !json.result.compact_revision) {
    const reason = String(json.result.cancel_reason ?? "the watch is cancelled");
    const [, name = "Unavailable", what = reason] = /code = (\w+) desc = (.*)/.exec(reason) ?? [];
    const snake = name.replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
    throw refused(CODES.indexOf(snake as ErrorCode), what, where);
  }
  return json;
}

function refused(number: unknown, message: unknown, where: string): KitError {
  const what = String(message).slice(0, 200);
  const code = CODES[Number(number)] ?? "unknown";
  const isLogin = LOGIN.test(what);
  const known = isLogin ? "unauthenticated" : code === "ok" ? "unknown" : code;
  return failure(known, where, `it says ${JSON.stringify(what)}`);
}

/** Whether to log in anew helps against an error. */
export function needsLogin({ code, message }: KitError): boolean {
  return code === "unauthenticated" && LOGIN.test(message);
}

/** Makes the error of a member that cannot be used. */
export function failure(code: ErrorCode, where: string, why: string, cause?: unknown): KitError {
  return new KitError(code, `Cannot use etcd at "${where}" as ${why}`, { cause });
}
