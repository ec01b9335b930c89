/**
 * Errors as `application/problem+json` (RFC 9457), written and read.
 * @module
 */
import { type ErrorCode, type KitError, toKitError } from "@kit/endpoint";
import { MAX_RETRY_AFTER_MS, parseWireError } from "../_wire_error.ts";
import { chosenHeaders, chosenStatus, isWithoutBody } from "./http_error.ts";
import { codeOfStatus, isErrorCode, statusOf } from "./status.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/**
 * Makes the answer for a failed call: problem+json with the members `type`, `title`, `status`,
 * `detail`, `code`, and, where the error has them, `errors` (its details) and `retryAfterMs`; also
 * a `Retry-After` header.
 *
 * Only a `KitError` shows its message. Of anything else not a word is told. What cannot be sent, such
 * as a status of 42, a header with a line break or a detail that is no JSON, is left out.
 * @param error What was thrown. `statusCode()` and `headers()` of it are obeyed.
 * @returns The answer.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { problem } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const response = problem(new KitError("not_found", `Cannot find profile "7"`));
 * assert.equal(response.status, 404);
 * assert.equal((await response.json()).detail, `Cannot find profile "7"`);
 * ```
 */
export function problem(error: unknown): Response {
  const chosen = attempt(() => chosenStatus(error));
  const own = isStatus(chosen) ? chosen : undefined;
  const shown = toKitError(error);
  const code = codeFor(shown, own);
  const status = own ?? statusOf(code);
  const headers = attempt(() => new Headers(chosenHeaders(error))) ?? new Headers();
  const retryAfterMs = Number.isFinite(shown.retryAfterMs) ? shown.retryAfterMs : undefined;
  if (retryAfterMs !== undefined && retryAfterMs >= 0 && !headers.has("retry-after")) {
    const seconds = Math.ceil(Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) / 1000);
    headers.set("retry-after", String(seconds));
  }
  if (isWithoutBody(status)) return new Response(null, { status, headers });
  headers.set("content-type", "application/problem+json");
  const body = {
    type: "about:blank",
    title: TITLES[status] ?? "Error",
    status,
    detail: shown.message,
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  const { details: errors } = shown;
  const text = errors.length === 0 ? undefined : attempt(() => JSON.stringify({ ...body, errors }));
  return new Response(text ?? JSON.stringify(body), { status, headers });
}

/** Does without what an error that is itself at fault was to tell: an answer there must be. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && value as number >= 200 && value as number <= 599;
}

/** An error of someone else's that has chosen a status has chosen a code with it. */
function codeFor(error: KitError, status: number | undefined): ErrorCode {
  if (error.code === "unknown" && status !== undefined) return codeOfStatus(status);
  return isErrorCode(error.code) ? error.code : "unknown";
}

/**
 * Reads the error out of an answer that is not a success. The code is the one of the problem, so
 * that it survives several hops, or else that of the status.
 * @param response The answer; its body is not read.
 * @param body The text of its body.
 * @returns The error.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { parseProblem, problem } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const response = problem(new KitError("aborted", "Try again", { retryAfterMs: 50 }));
 * const error = parseProblem(response, await response.text());
 * assert.equal(error.code, "aborted");
 * assert.equal(error.retryAfterMs, 50);
 * ```
 */
export function parseProblem(response: Response, body: string): KitError {
  const members = isProblem(response) ? parseMembers(body) : {};
  return parseWireError({
    code: members.code,
    message: members.detail,
    details: members.errors,
    retryAfterMs: typeof members.retryAfterMs === "number"
      ? members.retryAfterMs
      : parseRetryAfter(response.headers.get("retry-after")),
  }, {
    code: codeOfStatus(response.status),
    message: `Call failed with status ${response.status}`,
  });
}

function isProblem(response: Response): boolean {
  return /^application\/(problem\+)?json\b/i.test(response.headers.get("content-type") ?? "");
}

function parseMembers(body: string): Record<string, unknown> {
  try {
    const members = JSON.parse(body);
    return typeof members === "object" && members !== null ? members : {};
  } catch {
    return {};
  }
}

/**
 * Reads a `Retry-After` header: seconds, or a date (RFC 9110 section 10.2.3).
 * @param value The header.
 * @param now The time, in milliseconds since the epoch.
 * @returns Milliseconds, at most a day; `undefined` when there is no value or it makes no sense.
 * @example Usage
 * ```ts
 * import { parseRetryAfter } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * assert.equal(parseRetryAfter("2"), 2000);
 * assert.equal(parseRetryAfter("-1"), undefined);
 * ```
 */
export function parseRetryAfter(
  value: string | null,
  now: number = Date.now(),
): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Math.max(0, parseDate(text) - now);
  return Number.isNaN(ms) ? undefined : Math.min(ms, MAX_RETRY_AFTER_MS);
}

/** Reads a date of HTTP, in each of its three forms (RFC 9110 section 5.6.7); NaN if it is none. */
function parseDate(text: string): number {
  // The form of C's asctime() names no zone. `Date.parse` alone would make a date of almost anything.
  const match = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? [\w :-]{16,24}$/.exec(text);
  return match === null ? NaN : Date.parse(text.endsWith(" GMT") ? text : `${text} GMT`);
}
