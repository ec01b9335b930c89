/**
 * What every instancer keeps: the last set, the last error, the subscribers.
 * @module
 */
import { type Clock, systemClock } from "@kit/endpoint";
import { checkNonNegative } from "@kit/endpoint/check";
import { parseAddress } from "./address.ts";
import { type Instance, normalizeInstances } from "./instance.ts";
import type { DiscoveryEvent, DiscoveryListener, Instancer } from "./instancer.ts";
import { type Status, type StatusOptions, StatusTracker } from "./status.ts";

/** Options for {@linkcode InstanceCache}. */
export interface InstanceCacheOptions extends StatusOptions {
  /** What the registry is called in errors, such as `consul://localhost:8500/stringsvc`. */
  readonly source?: string;
  /**
   * How long the last set is held when the registry says that no instance is left: it may have lost
   * its state, or be starting. An instance that comes is never held back. `Infinity` never lets the
   * last set go; zero believes the registry.
   * @default {30000}
   */
  readonly emptyGraceMs?: number;
  /** Is told what a listener threw; the others are not disturbed. */
  readonly onListenerError?: (error: unknown) => void;
}

interface Subscription {
  readonly listener: DiscoveryListener;
  told: DiscoveryEvent | undefined;
}

/**
 * Does for a registry what each has to do: tells every subscriber the full set at once and then
 * each change, sorted, each address once, never the same twice; keeps the last set through errors
 * and, for a grace time, through an empty answer; keeps the status.
 * @example Usage
 * ```ts
 * import { InstanceCache } from "@kit/sd/cache";
 * import assert from "node:assert/strict";
 * const cache = new InstanceCache({ source: "test://" });
 * cache.update([{ address: "b:80" }, { address: "a:80" }]);
 * cache.fail(new Error("refused"));
 * const seen: unknown[] = [];
 * using _ = cache.subscribe(({ instances, error }) => seen.push(instances?.length ?? error?.message));
 * assert.deepEqual(seen, [2, "refused"]);
 * assert.equal(cache.status.state, "disconnected");
 * ```
 */
export class InstanceCache implements Instancer, Disposable {
  readonly #source: string | undefined;
  readonly #emptyGraceMs: number;
  readonly #clock: Clock;
  readonly #onListenerError: ((error: unknown) => void) | undefined;
  readonly #tracker: StatusTracker;
  readonly #subscriptions = new Set<Subscription>();
  #set: DiscoveryEvent | undefined;
  #error: DiscoveryEvent | undefined;
  #grace: Disposable | undefined;
  #isPublishing = false;

  /**
   * Starts without a set, `connecting`.
   * @param options The source, the grace time and the hooks.
   * @throws {RangeError} If `emptyGraceMs` is negative.
   */
  constructor(options: InstanceCacheOptions = {}) {
    const { source, emptyGraceMs = 30_000, clock = systemClock, onListenerError } = options;
    checkNonNegative("emptyGraceMs", emptyGraceMs);
    this.#source = source;
    this.#emptyGraceMs = emptyGraceMs;
    this.#clock = clock;
    this.#onListenerError = onListenerError;
    this.#tracker = new StatusTracker(options);
  }

  /** How the connection to the registry is. */
  get status(): Status {
    return this.#tracker.status;
  }

  /** The last set, or `undefined` before the first. */
  get instances(): readonly Instance[] | undefined {
    return this.#set?.instances;
  }

  /**
   * Starts to tell a listener.
   * @param listener Who is told, for the first time before this returns if anything is known.
   * @returns The subscription.
   */
  subscribe(listener: DiscoveryListener): Disposable {
    const subscription: Subscription = { listener, told: undefined };
    if (this.status.state !== "closed") {
      this.#subscriptions.add(subscription);
      const isInner = this.#isPublishing;
      this.#isPublishing = true;
      if (this.#set !== undefined) this.#tell(subscription, this.#set);
      if (this.#error !== undefined) this.#tell(subscription, this.#error);
      this.#isPublishing = isInner;
      this.#publish();
    }
    return { [Symbol.dispose]: () => void this.#subscriptions.delete(subscription) };
  }

  /**
   * Takes in what the registry answered; it is `connected` from then on.
   * @param instances The full set, in any order. If an address is none, the whole answer counts as
   * failed and the last set stays.
   */
  update(instances: Iterable<Instance>): void {
    if (this.status.state === "closed") return;
    let next: readonly Instance[];
    try {
      next = normalizeInstances(instances, this.instances);
      const known = new Set(this.instances);
      for (const one of next) if (!known.has(one)) parseAddress(one.address);
    } catch (error) {
      return this.fail(error);
    }
    this.#tracker.set("connected");
    this.#error = undefined;
    const isEmptied = next.length === 0 && (this.instances?.length ?? 0) > 0;
    if (!isEmptied || this.#emptyGraceMs === 0) return this.#replace(next);
    if (this.#grace === undefined && this.#emptyGraceMs < Infinity) {
      const letGo = () => this.#replace(next);
      this.#grace = this.#clock.after(this.#emptyGraceMs, letGo, { keepAlive: false });
    }
    this.#publish();
  }

  /**
   * Takes in that the registry failed; it is `disconnected` from then on. The last set stays, and an
   * empty answer that was in its grace time is forgotten.
   * @param error What failed.
   * @param source Which registry failed, if it is not the one that the options name.
   */
  fail(error: unknown, source: string | undefined = this.#source): void {
    if (this.status.state === "closed") return;
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#endGrace();
    this.#tracker.set("disconnected", failure);
    const before = this.#error;
    if (
      before?.error?.name === failure.name && before.error.message === failure.message &&
      before.source === source
    ) return;
    this.#error = Object.freeze({ error: failure, source });
    this.#publish();
  }

  /** Lets all subscribers go; nobody is told anything any more. */
  [Symbol.dispose](): void {
    this.#endGrace();
    this.#subscriptions.clear();
    this.#tracker.set("closed");
  }

  #replace(instances: readonly Instance[]): void {
    this.#endGrace();
    if (instances !== this.instances) this.#set = Object.freeze({ instances });
    this.#publish();
  }

  #endGrace(): void {
    this.#grace?.[Symbol.dispose]();
    this.#grace = undefined;
  }

  /**
   * A listener may change the cache. It is told in another round then, so that no listener is called
   * while it still runs.
   */
  #publish(): void {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    let isStale = true;
    while (isStale) {
      isStale = false;
      for (const subscription of [...this.#subscriptions]) {
        const latest = this.#error ?? this.#set;
        if (latest === undefined || subscription.told === latest) continue;
        isStale = true;
        if (this.#subscriptions.has(subscription)) this.#tell(subscription, latest);
      }
    }
    this.#isPublishing = false;
  }

  #tell(subscription: Subscription, event: DiscoveryEvent): void {
    subscription.told = event;
    try {
      subscription.listener(event);
    } catch (error) {
      this.#onListenerError?.(error);
    }
  }
}
