/**
 * Keeps a service registered in Consul.
 * @module
 */
import { type Clock, delay, KitError, systemClock } from "@kit/endpoint";
import type { Instance } from "../instance.ts";
import type { Registrar } from "../registrar.ts";
import { type Status, StatusTracker } from "../status.ts";
import { ConsulAgent, RefusedError } from "./_agent.ts";
import { Backoff } from "./_backoff.ts";
import { type Definition, definitionOf } from "./_definition.ts";
import type { ConsulOptions } from "./options.ts";

/**
 * How Consul knows that an instance is well: the registrar says so at least every `ttlMs`, or the
 * agent looks by itself, every `intervalMs` (10,000 when left out).
 */
export type ConsulCheck =
  | {
    /** How long a word of the registrar is good for, in milliseconds. */
    readonly ttlMs: number;
  }
  | {
    /** A URL that answers with a status from 200 to 299. */
    readonly http: string;
    /** How often it is asked. */
    readonly intervalMs?: number;
    /** How long it may take. */
    readonly timeoutMs?: number;
  }
  | {
    /** A `host:port` that takes connections. */
    readonly tcp: string;
    /** How often it is tried. */
    readonly intervalMs?: number;
    /** How long it may take. */
    readonly timeoutMs?: number;
  }
  | {
    /** A `host:port` or `host:port/service` that serves gRPC's health protocol. */
    readonly grpc: string;
    /** How often it is asked. */
    readonly intervalMs?: number;
    /** How long it may take. */
    readonly timeoutMs?: number;
  };

/** An instance, as Consul is told of it. */
export interface ConsulService extends Omit<Instance, "priority"> {
  /** The name of the service. */
  readonly name: string;
  /**
   * Where the instance listens: `host:port`, with an IPv6 host in brackets, or `:port` for the
   * address of the agent's node.
   */
  readonly address: string;
  /**
   * What tells instances apart. It must be the same at each start, so that one that was killed finds
   * its old place instead of a second one.
   * @default {"name-host:port"}
   */
  readonly id?: string;
  /** Its share of the calls while well: a whole number from 1 to 65,535. One when left out. */
  readonly weight?: number;
  /**
   * How Consul knows that it is well; `null` for no check.
   * @default {{ ttlMs: 15000 }}
   */
  readonly check?: ConsulCheck | null;
  /**
   * After how long in a critical state Consul removes it, in milliseconds; Consul looks about twice a
   * minute. `Infinity` for never.
   * @default {600000}
   */
  readonly deregisterCriticalAfterMs?: number;
}

/**
 * Keeps a service registered with an agent of Consul, which should run on the same machine.
 *
 * A TTL check is passed three times in each TTL; with another check the agent is asked every 10 s
 * whether it still has the service. If it does not, because it was restarted or the process was
 * paused for too long, it is registered again, with the same id. An agent that is away is tried
 * again ever less often, yet at least at that rate.
 *
 * A registration that failed without an answer may have been made all the same; `deregister()` and
 * disposal take it back.
 * @param service The instance.
 * @param options The agent.
 * @returns The registrar; it does nothing before `register()`. Its promises reject with a `KitError`:
 * `unavailable` if the agent cannot be reached, `deadline_exceeded` if it does not answer,
 * `permission_denied` if the token does not suffice, `invalid_argument` if Consul refuses the service.
 * @throws {TypeError} If a name, an address, the check or `agent` cannot be used.
 * @throws {RangeError} If a number is out of its range.
 * @example Usage
 * ```ts
 * import { consulRegistrar } from "@kit/sd/consul";
 * import assert from "node:assert/strict";
 * const asked: string[] = [];
 * {
 *   await using registrar = consulRegistrar({ name: "stringsvc", address: "10.0.0.7:8001" }, {
 *     fetch: (url) => { // Instead of an agent.
 *       asked.push(new URL(String(url)).pathname.split("/")[4]!);
 *       return Promise.resolve(new Response());
 *     },
 *   });
 *   await registrar.register();
 *   assert.equal(registrar.status.state, "connected");
 * }
 * assert.deepEqual(asked, ["register", "pass", "deregister"]);
 * ```
 */
export function consulRegistrar(service: ConsulService, options: ConsulOptions = {}): Registrar {
  return new ServiceRegistrar(service, options);
}

class ServiceRegistrar implements Registrar {
  readonly #name: string;
  readonly #definition: Definition;
  readonly #agent: ConsulAgent;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #tracker: StatusTracker;
  readonly #closing = new AbortController();
  /** Whether the agent may have the service. */
  #isDue = false;
  #keeping: { readonly ending: AbortController; readonly ended: Promise<void> } | undefined;
  /** The last of the operations, which take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(service: ConsulService, options: ConsulOptions) {
    const { clock = systemClock, random = Math.random } = options;
    this.#name = service.name;
    this.#definition = definitionOf(service);
    this.#agent = new ConsulAgent(options);
    this.#clock = clock;
    this.#random = random;
    this.#tracker = new StatusTracker(options);
  }

  get status(): Status {
    return this.#tracker.status;
  }

  register(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#keeping !== undefined) return;
      const { signal } = this.#closing;
      try {
        signal.throwIfAborted();
        await this.#put(signal);
      } catch (error) {
        if (signal.aborted) {
          const message = `Cannot register service "${this.#name}" as registrar was disposed of`;
          throw new KitError("unavailable", message);
        }
        this.#tracker.set("disconnected", error as Error);
        throw error;
      }
      this.#tracker.set("connected");
      const ending = new AbortController();
      this.#keeping = { ending, ended: this.#keep(ending.signal) };
    });
  }

  deregister(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#stopKeeping();
      if (!this.#isDue) return;
      try {
        await this.#remove();
        this.#tracker.set("disconnected");
      } catch (error) {
        this.#tracker.set("disconnected", error as Error);
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // Nobody waits for what went wrong, but the status tells it.
    await this.deregister().catch(() => {});
    this.#tracker.set("closed");
  }

  #inTurn(operation: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(operation);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #stopKeeping(): Promise<void> {
    this.#keeping?.ending.abort();
    await this.#keeping?.ended;
    this.#keeping = undefined;
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const { keepAliveMs } = this.#definition;
    const backoff = new Backoff(keepAliveMs, this.#random);
    let pauseMs = keepAliveMs;
    while (await this.#isPauseOver(pauseMs, signal)) {
      try {
        if (!await this.#isKnown(signal)) await this.#put(signal);
        this.#tracker.set("connected");
        backoff.reset();
        pauseMs = keepAliveMs;
      } catch (error) {
        if (signal.aborted) return;
        this.#tracker.set("disconnected", error as Error);
        pauseMs = backoff.nextMs();
      }
    }
  }

  #isPauseOver(pauseMs: number, signal: AbortSignal): Promise<boolean> {
    return delay(pauseMs, { signal, clock: this.#clock }).then(() => true, () => false);
  }

  /** Tells that the instance is well, or asks after it; the agent may not know it any more. */
  async #isKnown(signal: AbortSignal): Promise<boolean> {
    const { isTtl, id } = this.#definition;
    try {
      if (isTtl) await this.#pass(signal);
      else await this.#ask("GET", "check", `agent/service/${encodeURIComponent(id)}`, signal);
      return true;
    } catch (error) {
      // Before 1.11 an agent answers 500 when it does not know the check.
      const isLost = error instanceof RefusedError &&
        (error.status === 404 || isTtl && error.status === 500);
      if (isLost) return false;
      throw error;
    }
  }

  async #put(signal: AbortSignal): Promise<void> {
    this.#isDue = true;
    const path = "agent/service/register?replace-existing-checks=true";
    try {
      await this.#ask("PUT", "register", path, signal, this.#definition.body);
    } catch (error) {
      if (error instanceof RefusedError && this.#keeping === undefined) this.#isDue = false;
      throw error;
    }
    // A check that the agent still had keeps its state, which may be critical.
    if (this.#definition.isTtl) await this.#pass(signal);
  }

  #pass(signal: AbortSignal): Promise<void> {
    const check = encodeURIComponent(`service:${this.#definition.id}`);
    return this.#ask("PUT", "keep alive", `agent/check/pass/${check}`, signal);
  }

  async #remove(): Promise<void> {
    const path = `agent/service/deregister/${encodeURIComponent(this.#definition.id)}`;
    try {
      await this.#ask("PUT", "deregister", path, new AbortController().signal);
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 404)) throw error;
    }
    this.#isDue = false;
  }

  async #ask(
    method: "GET" | "PUT",
    verb: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<void> {
    // A beat that hangs must leave time for another one.
    const timeoutMs = Math.min(
      this.#agent.timeoutMs,
      Math.max(1000, this.#definition.keepAliveMs),
    );
    const doing = `${verb} service "${this.#name}"`;
    await this.#agent.ask({ doing, method, path, signal, timeoutMs, body });
  }
}
