/**
 * Keeps what is made of a set of endpoints until the set changes.
 * @module
 */
import type { Endpointer, Entry } from "@kit/sd";
import { noEndpoints } from "./balancer.ts";

/**
 * Makes something of the endpoints of the moment, once for each set.
 * @returns What gives it; it throws as {@linkcode Balancer.pick} does when there are no endpoints.
 */
export function perSet<Req, Res, T>(
  endpointer: Endpointer<Req, Res>,
  make: (entries: readonly Entry<Req, Res>[]) => T,
): () => T {
  let last: readonly Entry<Req, Res>[] | undefined;
  let made: T;
  return () => {
    const entries = endpointer.endpoints();
    if (entries !== last) {
      if (entries.length === 0) throw noEndpoints();
      made = make(entries);
      last = entries;
    }
    return made;
  };
}
