/**
 * Finds the instances of a service in Consul.
 * @module
 */
import { type Clock, delay, KitError, systemClock } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { InstanceCache, type InstanceCacheOptions } from "../cache.ts";
import type { DiscoveryListener, RegistryInstancer } from "../instancer.ts";
import type { Status } from "../status.ts";
import { type AgentAnswer, checkName, ConsulAgent } from "./_agent.ts";
import { Backoff } from "./_backoff.ts";
import { instancesOf } from "./_entries.ts";
import { Pace } from "./_pace.ts";
import type { ConsulOptions } from "./options.ts";

/** Consul itself waits no longer. */
const MAX_WAIT_MS = 600_000;
/** Over how long the watchers that one change woke spread their next question. */
const SPREAD_MS = 100;

/** Options for {@linkcode consulInstancer}. */
export interface ConsulInstancerOptions
  extends ConsulOptions, Pick<InstanceCacheOptions, "emptyGraceMs" | "onListenerError"> {
  /**
   * What an instance must have to be taken: each of these tags.
   * @default {[]}
   */
  readonly tags?: readonly string[];
  /**
   * Whether only instances are taken whose checks all pass.
   * @default {true}
   */
  readonly passingOnly?: boolean;
  /** Which datacenter is asked; that of the agent when left out. */
  readonly datacenter?: string;
  /**
   * How long the agent may let a question wait for a change, at most 600,000. A connection that has
   * silently died is noticed after that time, a sixteenth of it and `timeoutMs`.
   * @default {30000}
   */
  readonly waitMs?: number;
  /**
   * How often the agent is asked when the service changes all the time. After a quiet time two
   * questions may follow each other at once, so that a single change is seen at once.
   * @default {800}
   */
  readonly minIntervalMs?: number;
  /**
   * How long the pauses between tries grow while the agent fails; they begin at 100 ms.
   * @default {24000}
   */
  readonly maxBackoffMs?: number;
}

/**
 * Follows a service in Consul, by blocking queries: a change is seen at once and costs one request.
 *
 * An agent that is away, refuses, or answers nonsense is told once, as an error event and by
 * `onStatus`; the last set stays, and the agent is tried again, ever less often. What it says then
 * counts as a new start, so that one which has lost its state is believed step by step: an empty set
 * only after `emptyGraceMs`.
 *
 * The weight of an instance is the one that Consul has for its health, `zone` and `version` come from
 * its metadata, and its address is that of the node if it has none itself. All methods of a service
 * should share one instancer.
 * @param service The name of the service.
 * @param options The agent, and what is wanted of it.
 * @returns The instancer, which is asking already. Disposing of it ends the question under way.
 * @throws {TypeError} If `service` or `agent` cannot be used.
 * @throws {RangeError} If a number is out of its range.
 * @example Usage
 * ```ts
 * import { consulInstancer } from "@kit/sd/consul";
 * import assert from "node:assert/strict";
 * const entry = { Node: { Address: "10.0.0.7" }, Service: { Port: 8001, Tags: ["prod"] } };
 * await using instancer = consulInstancer("stringsvc", {
 *   tags: ["prod"],
 *   fetch: () => Promise.resolve(Response.json([entry])), // Instead of an agent.
 * });
 * const first = Promise.withResolvers<string | undefined>();
 * using _ = instancer.subscribe(({ instances }) => first.resolve(instances?.[0]?.address));
 * assert.equal(await first.promise, "10.0.0.7:8001");
 * ```
 */
export function consulInstancer(
  service: string,
  options: ConsulInstancerOptions = {},
): RegistryInstancer {
  return new ServiceWatch(service, options);
}

class ServiceWatch implements RegistryInstancer {
  readonly #service: string;
  readonly #agent: ConsulAgent;
  readonly #tags: readonly string[];
  readonly #passingOnly: boolean;
  readonly #datacenter: string | undefined;
  readonly #waitMs: number;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #pace: Pace;
  readonly #backoff: Backoff;
  readonly #cache: InstanceCache;
  readonly #closing = new AbortController();
  readonly #closed: Promise<void>;

  constructor(service: string, options: ConsulInstancerOptions) {
    const { tags = [], passingOnly = true, datacenter, waitMs = 30_000 } = options;
    const { minIntervalMs = 800, maxBackoffMs = 24_000 } = options;
    const { clock = systemClock, random = Math.random } = options;
    checkPositiveInteger("waitMs", waitMs);
    if (waitMs > MAX_WAIT_MS) {
      throw new RangeError(
        `Cannot use "waitMs" as it must be ${MAX_WAIT_MS} at most: current value is ${waitMs}`,
      );
    }
    checkPositive("minIntervalMs", minIntervalMs);
    checkPositive("maxBackoffMs", maxBackoffMs);
    this.#service = checkName("service", service);
    this.#agent = new ConsulAgent(options);
    this.#tags = [...tags];
    this.#passingOnly = passingOnly;
    this.#datacenter = datacenter;
    this.#waitMs = waitMs;
    this.#clock = clock;
    this.#random = random;
    this.#pace = new Pace(minIntervalMs, clock);
    this.#backoff = new Backoff(maxBackoffMs, random);
    const source = `consul://${this.#agent.name}/${service}`;
    this.#cache = new InstanceCache({ ...options, source });
    this.#closed = this.#watch(this.#closing.signal);
  }

  get status(): Status {
    return this.#cache.status;
  }

  subscribe(listener: DiscoveryListener): Disposable {
    return this.#cache.subscribe(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cache[Symbol.dispose]();
    this.#closing.abort();
    await this.#closed;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    let index = 0;
    let pauseMs = this.#pace.takeMs();
    while (pauseMs === 0 || await this.#isPauseOver(pauseMs, signal)) {
      try {
        const { text, headers } = await this.#ask(index, signal);
        this.#cache.update(this.#read(text));
        index = nextIndex(index, headers);
        this.#backoff.reset();
        pauseMs = Math.max(this.#pace.takeMs(), this.#random() * SPREAD_MS);
      } catch (error) {
        this.#cache.fail(error);
        // An agent that comes back may count from the start, and would let a higher index wait.
        index = 0;
        pauseMs = this.#backoff.nextMs();
      }
    }
  }

  #isPauseOver(pauseMs: number, signal: AbortSignal): Promise<boolean> {
    return delay(pauseMs, { signal, clock: this.#clock }).then(() => true, () => false);
  }

  #ask(index: number, signal: AbortSignal): Promise<AgentAnswer> {
    const query = new URLSearchParams(this.#tags.map((tag) => ["tag", tag]));
    if (this.#passingOnly) query.set("passing", "true");
    if (this.#datacenter !== undefined) query.set("dc", this.#datacenter);
    if (index > 0) {
      query.set("index", String(index));
      query.set("wait", `${this.#waitMs}ms`);
    }
    return this.#agent.ask({
      doing: `read service "${this.#service}"`,
      path: `health/service/${encodeURIComponent(this.#service)}`,
      query,
      signal,
      // Consul adds up to a sixteenth, so that not all come back at once.
      ...(index > 0 && { timeoutMs: this.#waitMs * 17 / 16 + this.#agent.timeoutMs }),
    });
  }

  #read(text: string): ReturnType<typeof instancesOf> {
    try {
      return instancesOf(text, this.#tags);
    } catch (cause) {
      const message = `Cannot read service "${this.#service}" at Consul agent ` +
        `"${this.#agent.name}" as its answer is none of Consul`;
      throw new KitError("internal", message, { cause });
    }
  }
}

/** What to wait on next: never less than one, and from the start when the agent counts anew. */
function nextIndex(index: number, headers: Headers): number {
  const answered = Number(headers.get("x-consul-index"));
  const next = Number.isSafeInteger(answered) && answered >= 1 ? answered : 1;
  return next < index ? 0 : next;
}
