/**
 * Begins a call.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";

/** Calls an endpoint; should it throw against its contract, the call rejects. */
export function begin<Req, Res>(
  next: Endpoint<Req, Res>,
  request: Req,
  ctx: Context,
): Promise<Res> {
  try {
    return next(request, ctx);
  } catch (error) {
    return Promise.reject(error);
  }
}
