/**
 * A connection to a broker that comes back when it is lost.
 * @module
 */

/**
 * How a connection stands: `idle` before its first use, `connecting`, `connected`, `waiting` between
 * two attempts, `closed` for good.
 */
export type ConnectionStatus = "idle" | "connecting" | "connected" | "waiting" | "closed";

/**
 * A connection to a broker, shared by clients and servers. It is opened when it is first used, and
 * kept open from then on until it is disposed of.
 */
export interface Connection extends AsyncDisposable {
  /** How it stands. */
  readonly status: ConnectionStatus;
  /**
   * Opens it, if that has not been done.
   * @returns A promise that resolves when the broker has been reached and the topology declared, and
   * rejects if the attempt that is under way fails. Further attempts are made all the same.
   */
  ready(): Promise<void>;
}
