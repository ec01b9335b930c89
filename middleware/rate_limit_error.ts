/**
 * The error of a call that is over a rate.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** Rejects a call that is over the rate, with code `resource_exhausted`. */
export class RateLimitError extends KitError {
  /**
   * Creates the error.
   * @param message What the caller may read.
   * @param retryAfterMs After how long a retry makes sense; left out when nobody knows.
   */
  constructor(message: string = "Rate limit exceeded", retryAfterMs?: number) {
    super(
      "resource_exhausted",
      message,
      retryAfterMs === undefined || retryAfterMs === Infinity ? {} : { retryAfterMs },
    );
    this.name = "RateLimitError";
  }
}
