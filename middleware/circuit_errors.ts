/**
 * The errors of the calls that a circuit breaker refuses.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** Rejects a call while the breaker is open, with code `unavailable`. */
export class CircuitOpenError extends KitError {
  /**
   * Creates the error.
   * @param retryAfterMs How long the breaker stays open; left out when nobody knows.
   */
  constructor(retryAfterMs?: number) {
    super(
      "unavailable",
      "Circuit breaker is open",
      retryAfterMs === undefined || retryAfterMs === Infinity ? {} : { retryAfterMs },
    );
    this.name = "CircuitOpenError";
  }
}

/** Rejects a call while a half-open breaker waits for its probes, with code `unavailable`. */
export class TooManyRequestsError extends KitError {
  /** Creates the error. */
  constructor() {
    super("unavailable", "Too many requests");
    this.name = "TooManyRequestsError";
  }
}
