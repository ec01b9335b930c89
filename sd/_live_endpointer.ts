/**
 * Keeps the entries of an instancer.
 * @module
 */
import { type Clock, type Context, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";
import { type EntryHost, LiveEntry } from "./_live_entry.ts";
import type { EndpointerFailure, EndpointerOptions, Entry, LiveEndpointer } from "./endpointer.ts";
import type { Factory } from "./factory.ts";
import { type Instance, normalizeInstances } from "./instance.ts";
import type { DiscoveryEvent, Instancer } from "./instancer.ts";

const MAX_FACTORY_RETRY_MS = 60_000;

interface Outage {
  readonly since: number;
  readonly error: KitError;
}

interface Waiter<Req, Res> {
  resolve(entries: readonly Entry<Req, Res>[]): void;
  reject(error: unknown): void;
}

export class LiveEntries<Req, Res> implements LiveEndpointer<Req, Res>, EntryHost<Req, Res> {
  readonly clock: Clock;
  readonly closeDelayMs: number;
  readonly drainMs: number;
  readonly #invalidateOnErrorMs: number;
  readonly #factoryRetryMs: number;
  readonly #onError: ((failure: EndpointerFailure) => void) | undefined;
  readonly #factory: Factory<Req, Res>;
  readonly #subscription: Disposable;
  /** What the instancer told last; `undefined` before, and once an outage has lasted too long. */
  #instances: readonly Instance[] | undefined;
  #entries: readonly Entry<Req, Res>[] = Object.freeze([]);
  readonly #live = new Map<string, LiveEntry<Req, Res>>();
  readonly #leaving = new Map<string, LiveEntry<Req, Res>>();
  /** How many entries are not closed yet: live, leaving, or being closed. */
  #open = 0;
  readonly #allClosed: Promise<void>;
  #onAllClosed!: () => void;
  readonly #waiters = new Set<Waiter<Req, Res>>();
  #outage: Outage | undefined;
  #retryMs: number;
  #retryTimer: Disposable | undefined;
  #isDisposed = false;

  constructor(instancer: Instancer, factory: Factory<Req, Res>, options: EndpointerOptions) {
    const { invalidateOnErrorMs = Infinity, closeDelayMs = 0, drainMs = 30_000 } = options;
    const { factoryRetryMs = 1000, onError, clock = systemClock } = options;
    checkNonNegative("invalidateOnErrorMs", invalidateOnErrorMs);
    checkNonNegative("closeDelayMs", closeDelayMs);
    checkNonNegative("drainMs", drainMs);
    checkPositive("factoryRetryMs", factoryRetryMs);
    this.#invalidateOnErrorMs = invalidateOnErrorMs;
    this.closeDelayMs = closeDelayMs;
    this.drainMs = drainMs;
    this.#factoryRetryMs = this.#retryMs = factoryRetryMs;
    this.#onError = onError;
    this.clock = clock;
    this.#factory = factory;
    this.#allClosed = new Promise((resolve) => this.#onAllClosed = resolve);
    this.#subscription = instancer.subscribe((event) => this.#take(event));
  }

  endpoints(): readonly Entry<Req, Res>[] {
    if (this.#isDisposed) throw disposed();
    if (this.#outage !== undefined) this.#checkOutage(this.#outage);
    return this.#entries;
  }

  ready(ctx: Context): Promise<readonly Entry<Req, Res>[]> {
    if (this.#isDisposed) return Promise.reject(disposed());
    if (this.#entries.length > 0) return Promise.resolve(this.#entries);
    const signal = ctx.canAbort ? ctx.signal : undefined;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => finish(() => reject(signal!.reason));
      const finish = (settle: () => void) => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const waiter: Waiter<Req, Res> = {
        resolve: (entries) => finish(() => resolve(entries)),
        reject: (error) => finish(() => reject(error)),
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isDisposed) {
      this.#isDisposed = true;
      this.#subscription[Symbol.dispose]();
      this.#leaveAll();
      for (const waiter of [...this.#waiters]) waiter.reject(disposed());
      if (this.#open === 0) this.#onAllClosed();
    }
    return this.#allClosed;
  }

  onClose({ instance }: LiveEntry<Req, Res>, closed: Promise<void>): void {
    this.#leaving.delete(instance.address);
    closed.catch((error) => this.#onError?.({ error, during: "close", instance })).finally(() => {
      if (--this.#open === 0 && this.#isDisposed) this.#onAllClosed();
    });
  }

  #take({ instances, error, source }: DiscoveryEvent): void {
    if (this.#isDisposed) return;
    if (instances !== undefined) {
      this.#outage = undefined;
      return this.#follow(normalizeInstances(instances, this.#instances));
    }
    this.#outage ??= { since: this.clock.now(), error: unavailable(error, source) };
    this.#onError?.({ error, during: "discovery", ...(source !== undefined && { source }) });
  }

  #follow(instances: readonly Instance[]): void {
    this.#instances = instances;
    const entries: LiveEntry<Req, Res>[] = [];
    let isSame = true;
    for (const instance of instances) {
      const entry = this.#entryOf(instance);
      if (entry === undefined) continue;
      isSame &&= entry.instance === instance;
      entry.instance = instance;
      entries.push(entry);
    }
    isSame &&= entries.length === this.#entries.length &&
      entries.every((entry, i) => entry === this.#entries[i]);
    // Set before anything is closed, so that a closed endpoint is never told.
    if (!isSame) this.#entries = Object.freeze(entries);
    if (this.#live.size > entries.length) this.#leaveAllBut(new Set(entries));
    this.#stopRetry();
    if (entries.length < instances.length) this.#retryFactory();
    else this.#retryMs = this.#factoryRetryMs;
    // The factory or a hook may have disposed of us.
    if (this.#isDisposed) return this.#leaveAll();
    if (entries.length === 0) return;
    for (const waiter of [...this.#waiters]) waiter.resolve(this.#entries);
  }

  #entryOf(instance: Instance): LiveEntry<Req, Res> | undefined {
    const { address } = instance;
    let entry = this.#live.get(address);
    if (entry !== undefined) return entry;
    entry = this.#leaving.get(address);
    if (entry !== undefined) {
      this.#leaving.delete(address);
      entry.stay();
    } else {
      try {
        entry = new LiveEntry(instance, this.#factory(instance), this);
      } catch (error) {
        this.#onError?.({ error, during: "factory", instance });
        return undefined;
      }
      this.#open++;
    }
    this.#live.set(address, entry);
    return entry;
  }

  #stopRetry(): void {
    this.#retryTimer?.[Symbol.dispose]();
    this.#retryTimer = undefined;
  }

  #retryFactory(): void {
    if (this.#retryMs === Infinity) return;
    const retry = () => this.#follow(this.#instances!);
    this.#retryTimer = this.clock.after(this.#retryMs, retry, { keepAlive: false });
    this.#retryMs = Math.min(
      2 * this.#retryMs,
      Math.max(MAX_FACTORY_RETRY_MS, this.#factoryRetryMs),
    );
  }

  #leave(entry: LiveEntry<Req, Res>, when: { readonly now: boolean }): void {
    const { address } = entry.instance;
    this.#live.delete(address);
    this.#leaving.set(address, entry);
    entry.leave(when);
  }

  #leaveAllBut(staying: ReadonlySet<LiveEntry<Req, Res>>): void {
    for (const entry of [...this.#live.values()]) {
      if (!staying.has(entry)) this.#leave(entry, { now: false });
    }
  }

  #leaveAll(): void {
    this.#instances = undefined;
    this.#entries = Object.freeze([]);
    this.#stopRetry();
    for (const entry of [...this.#live.values(), ...this.#leaving.values()]) {
      this.#leave(entry, { now: true });
    }
  }

  #checkOutage({ since, error }: Outage): void {
    if (this.#instances === undefined) throw error;
    if (this.#invalidateOnErrorMs === Infinity) return;
    if (this.clock.now() - since < this.#invalidateOnErrorMs) return;
    this.#leaveAll();
    throw error;
  }
}

function unavailable(cause: Error, source: string | undefined): KitError {
  const reason = source === undefined ? "discovery failed" : `"${source}" failed`;
  return new KitError("unavailable", `No endpoints available as ${reason}`, { cause });
}

function disposed(): KitError {
  return new KitError("unavailable", "No endpoints available as endpointer was disposed of");
}
