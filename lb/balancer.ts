/**
 * Who chooses the instance for a call.
 * @module
 */
import { type Context, KitError } from "@kit/endpoint";
import type { Entry } from "@kit/sd";

/** What a caller of {@linkcode Balancer.pick} wants to be considered. */
export interface PickOptions {
  /**
   * The addresses not to pick while there is another: those that were tried already.
   * @default {new Set()}
   */
  readonly exclude?: ReadonlySet<string> | undefined;
}

/**
 * Chooses the instance for a call.
 *
 * A pick costs the same for ten instances as for ten thousand. What a balancer keeps for the whole
 * set it makes anew when `endpoints()` of its endpointer answers another array; what it keeps for an
 * instance (calls under way, latency) it keeps by entry, in a `WeakMap`, and answers entries of its
 * own whose endpoints do the counting.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface Balancer<Req, Res> {
  /**
   * Chooses.
   * @param request The request, for those who choose by it.
   * @param ctx The context of the call.
   * @param options What was tried already.
   * @returns The instance with the endpoint to call.
   * @throws {KitError} With code `unavailable` if there are no endpoints.
   * @throws The error of the endpointer, as it is.
   */
  pick(request: Req, ctx: Context, options?: PickOptions): Entry<Req, Res>;
}

/**
 * Makes the error of a balancer that has nothing to choose from.
 * @returns The error, with code `unavailable`.
 */
export function noEndpoints(): KitError {
  return new KitError("unavailable", "No endpoints available");
}
