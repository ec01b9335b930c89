/**
 * Endpoints of which some are left out for now.
 * @module
 */
import type { Endpointer, Entry } from "@kit/sd";

/**
 * The endpoints with what is known of their health.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface Health<Req, Res> {
  /** All there are. */
  readonly all: readonly Entry<Req, Res>[];
  /** Those that should be used; the same array as `all` when that is all of them. */
  readonly healthy: readonly Entry<Req, Res>[];
}

/**
 * An endpointer that leaves endpoints out for now. Its `endpoints()` are those to use.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface HealthEndpointer<Req, Res> extends Endpointer<Req, Res> {
  /**
   * Tells which endpoints there are, and which should be used.
   * @returns The same object until something changes.
   * @throws {KitError} With code `unavailable` if the instances are not known.
   */
  health(): Health<Req, Res>;
}
