/**
 * How the connection to a registry is.
 * @module
 */
import { type Clock, systemClock } from "@kit/endpoint";

/** What a connection to a registry is doing. */
export type ConnectionState = "connecting" | "connected" | "disconnected" | "closed";

/** How the connection to a registry is. */
export interface Status {
  /** What it is doing. */
  readonly state: ConnectionState;
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
  /** The last failure, also when it is over. */
  readonly lastError?: Error;
}

/** The options that every client of a registry has about its status. */
export interface StatusOptions {
  /**
   * Is called once for each change of state, not for each try: the place to log. What it throws is
   * dropped.
   */
  readonly onStatus?: (status: Status) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Keeps the status of a connection, for those who write clients of registries.
 * @example Usage
 * ```ts
 * import { StatusTracker } from "@kit/sd/status";
 * import assert from "node:assert/strict";
 * const seen: string[] = [];
 * const tracker = new StatusTracker({ onStatus: ({ state }) => seen.push(state) });
 * tracker.set("disconnected", new Error("refused"));
 * tracker.set("disconnected", new Error("refused again"));
 * tracker.set("connected");
 * assert.deepEqual(seen, ["disconnected", "connected"]);
 * assert.equal(tracker.status.lastError?.message, "refused again");
 * ```
 */
export class StatusTracker {
  readonly #clock: Clock;
  readonly #onStatus: ((status: Status) => void) | undefined;
  #status: Status;

  /**
   * Starts as `connecting`.
   * @param options The hook and the clock.
   */
  constructor(options: StatusOptions = {}) {
    const { clock = systemClock, onStatus } = options;
    this.#clock = clock;
    this.#onStatus = onStatus;
    this.#status = Object.freeze({ state: "connecting", since: clock.now() });
  }

  /** How the connection is. */
  get status(): Status {
    return this.#status;
  }

  /**
   * Takes a change in. Nothing changes any more once it is `closed`.
   * @param state What the connection is doing now; the same as before only renews the error.
   * @param error What failed, if something did.
   */
  set(state: ConnectionState, error?: Error): void {
    const before = this.#status;
    if (before.state === "closed") return;
    const lastError = error ?? before.lastError;
    const isChange = state !== before.state;
    if (!isChange && lastError === before.lastError) return;
    const since = isChange ? this.#clock.now() : before.since;
    this.#status = Object.freeze({ state, since, ...(lastError && { lastError }) });
    if (!isChange) return;
    try {
      this.#onStatus?.(this.#status);
    } catch {
      // Who is told of a connection must not break it.
    }
  }
}
