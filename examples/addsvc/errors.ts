/**
 * Errors as Go kit's service tells them.
 * @module
 */
import { type AnyMiddleware, KitError, toKitError } from "@kit/endpoint";

/** What Go's libraries say where Kit's say it in other words. */
const TEXTS: Readonly<Record<string, string>> = {
  CircuitOpenError: "circuit breaker is open",
  RateLimitError: "rate limit exceeded",
  TooManyRequestsError: "too many requests",
};

/**
 * Gives every error of an endpoint the code `unknown`, and the text that Go's libraries have for it.
 *
 * Go kit's service does not tell its callers more than a text: status 500, `Unknown`, -32603. A service
 * that has no older brother leaves this out, and callers get a code that tells them what to do.
 */
export const asGoKit: AnyMiddleware = (next) => async (request, ctx) => {
  try {
    return await next(request, ctx);
  } catch (error) {
    const { name, message } = toKitError(error);
    const text = TEXTS[name];
    throw text === undefined
      ? new KitError("unknown", message, { cause: error })
      : new KitError("unknown", text);
  }
};
