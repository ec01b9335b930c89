/**
 * A few of many instances, spread evenly over the clients.
 * @module
 */
import { checkNonNegativeInteger, checkPositiveInteger } from "@kit/endpoint/check";
import { derive } from "./_derive.ts";
import type { Instance } from "./instance.ts";
import type { Instancer } from "./instancer.ts";

/** Options for {@linkcode subset}. */
export interface SubsetOptions {
  /**
   * Who this client is among the clients of the service. A number counts them from zero, as the
   * ordinal of a StatefulSet does, and spreads them evenly; a name, such as that of a pod, spreads
   * them by chance.
   */
  readonly client: number | string;
  /**
   * How many instances to tell; all when there are fewer.
   * @default {20}
   */
  readonly size?: number;
}

/**
 * Tells a few of the instances, so that many clients of many instances do not all connect to all:
 * a deterministic aperture.
 *
 * The instances lie on a ring in an order that depends on their addresses alone; a client takes
 * `size` in a row from its own place on. The places of the clients 0, 1, 2 … divide the ring evenly
 * however many they are (the van der Corput sequence), so nobody has to know their number. When an
 * instance comes or goes, a client exchanges at most two of its own. Weights are not looked at.
 * @param instancer Who tells all of them. It is subscribed to while somebody is subscribed to the
 * result; who made it disposes of it.
 * @param options Who the client is, and how many it takes.
 * @returns The instancer; it holds nothing that has to be closed.
 * @throws {RangeError} If `size` is not a positive integer, or a `client` that is a number is not an
 * integer of zero or more.
 * @example Usage
 * ```ts
 * import { fixed, subset } from "@kit/sd";
 * import assert from "node:assert/strict";
 * const all = fixed(["a:80", "b:80", "c:80", "d:80"]);
 * const told = new Set<string>();
 * for (const client of [0, 1]) {
 *   subset(all, { client, size: 2 }).subscribe(({ instances }) => {
 *     assert.equal(instances?.length, 2);
 *     for (const { address } of instances) told.add(address);
 *   });
 * }
 * assert.equal(told.size, 4);
 * ```
 */
export function subset(instancer: Instancer, options: SubsetOptions): Instancer {
  const { client, size = 20 } = options;
  checkPositiveInteger("size", size);
  if (typeof client === "number") checkNonNegativeInteger("client", client);
  const place = (typeof client === "number" ? reverseBits(client) : hash(client)) / 2 ** 32;
  return derive([instancer], ([set = []]) => {
    if (set.length <= size) return set;
    const ring = onRing(set);
    const first = Math.floor(place * ring.length);
    return Array.from({ length: size }, (_, i) => ring[(first + i) % ring.length]!);
  });
}

function onRing(set: readonly Instance[]): readonly Instance[] {
  return set
    .map((instance) => ({ instance, at: hash(instance.address) }))
    .sort((a, b) => a.at - b.at) // Equal ones stay in the order of their addresses.
    .map(({ instance }) => instance);
}

/** The van der Corput sequence, in units of 2^-32. */
function reverseBits(n: number): number {
  let bits = 0;
  for (let i = 0; i < 32; i++) bits = (bits << 1) | ((n >>> i) & 1);
  return bits >>> 0;
}

/** FNV-1a, then the finish of MurmurHash3, as names that differ in the last digit only are common. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
