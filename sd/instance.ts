/**
 * One running copy of a service, and how lists of them are compared.
 * @module
 */

/** One running copy of a service, as a registry describes it. */
export interface Instance {
  /**
   * Where it listens: `host:port`, with an IPv6 host in brackets, or a full URL. It is what makes
   * two instances the same one.
   */
  readonly address: string;
  /** Its share of the calls, relative to the others; zero takes none. One when left out. */
  readonly weight?: number;
  /** Its rank, as in DNS SRV: the lowest is used while it has anybody. Zero when left out. */
  readonly priority?: number;
  /** Where it runs, so that callers nearby can prefer it. */
  readonly zone?: string;
  /** Which build it runs. */
  readonly version?: string;
  /** Words that the registry holds for it. */
  readonly tags?: readonly string[];
  /** Whatever else the registry holds for it. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Tells whether two descriptions are the same throughout.
 * @param a One description.
 * @param b The other.
 * @returns Whether they agree in every field; the order of `metadata` does not matter.
 * @example Usage
 * ```ts
 * import { sameInstance } from "@kit/sd";
 * import assert from "node:assert/strict";
 * assert(sameInstance({ address: "a:80", tags: ["x"] }, { address: "a:80", tags: ["x"] }));
 * assert(!sameInstance({ address: "a:80", weight: 1 }, { address: "a:80", weight: 2 }));
 * ```
 */
export function sameInstance(a: Instance, b: Instance): boolean {
  return a === b ||
    a.address === b.address && a.weight === b.weight && a.priority === b.priority &&
      a.zone === b.zone && a.version === b.version &&
      sameTags(a.tags, b.tags) && sameMetadata(a.metadata, b.metadata);
}

function sameTags(a: Instance["tags"], b: Instance["tags"]): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((tag, i) => tag === b[i]);
}

function sameMetadata(a: Instance["metadata"], b: Instance["metadata"]): boolean {
  if (a === undefined || b === undefined) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/**
 * Orders instances by address, for `sort`.
 * @param a One instance.
 * @param b Another.
 * @returns A negative number, zero or a positive number.
 */
export function byAddress(a: Instance, b: Instance): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/**
 * Makes a list that nobody can change: sorted by address, each address once, everything frozen.
 * @param instances The instances in any order; of several with one address the first counts. What
 * is not frozen is copied.
 * @param previous An earlier result. What has not changed is taken from it, object by object, and
 * it is itself returned when nothing has.
 * @returns The list.
 * @example Usage
 * ```ts
 * import { normalizeInstances } from "@kit/sd";
 * import assert from "node:assert/strict";
 * const list = normalizeInstances([{ address: "b:80" }, { address: "a:80" }, { address: "b:80" }]);
 * assert.deepEqual(list, [{ address: "a:80" }, { address: "b:80" }]);
 * assert.equal(normalizeInstances([{ address: "b:80" }, { address: "a:80" }], list), list);
 * ```
 */
export function normalizeInstances(
  instances: Iterable<Instance>,
  previous: readonly Instance[] = [],
): readonly Instance[] {
  const sorted = [...instances].sort(byAddress);
  const list: Instance[] = [];
  let at = 0;
  for (const instance of sorted) {
    if (list.at(-1)?.address === instance.address) continue;
    while (at < previous.length && previous[at]!.address < instance.address) at++;
    const known = previous[at];
    list.push(known !== undefined && sameInstance(known, instance) ? known : frozen(instance));
  }
  const isSame = list.length === previous.length && list.every((one, i) => one === previous[i]);
  return isSame && Object.isFrozen(previous) ? previous : Object.freeze(list);
}

function frozen(instance: Instance): Instance {
  const { tags, metadata } = instance;
  if (Object.isFrozen(instance) && Object.isFrozen(tags) && Object.isFrozen(metadata)) {
    return instance;
  }
  return Object.freeze({
    ...instance,
    ...(tags && { tags: Object.freeze([...tags]) }),
    ...(metadata && { metadata: Object.freeze({ ...metadata }) }),
  });
}
