/**
 * How an agent of Consul is reached.
 * @module
 */
import type { StatusOptions } from "../status.ts";

/** The options that everything which talks to an agent of Consul has. */
export interface ConsulOptions extends StatusOptions {
  /**
   * Where the agent is: an `http:` or `https:` URL, with a path if a proxy wants one.
   * @default {"http://localhost:8500"}
   */
  readonly agent?: string;
  /** The ACL token. It is sent in a header, and is in no error and no status. */
  readonly token?: string;
  /**
   * How long an answer may take. A query that is meant to wait gets that time on top.
   * @default {5000}
   */
  readonly timeoutMs?: number;
  /**
   * What sends the requests; the place for a proxy, or for certificates of one's own.
   * @default {globalThis.fetch}
   */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Draws a number from 0 to 1, for the jitter of pauses.
   * @default {Math.random}
   */
  readonly random?: () => number;
}
