/**
 * A connection that comes back.
 * @module
 */
import { type Clock, delay, KitError } from "@kit/endpoint";
import { type Backoff, pauseMs } from "./_backoff.ts";
import { declare } from "./_declare.ts";
import { brokerError, type Dial, type Link } from "./_link.ts";
import { Sender } from "./_sender.ts";
import type { Connection, ConnectionStatus } from "./connection.ts";
import type { Topology } from "./topology.ts";

/** How long a connection has to last for its loss not to count as a failure to connect. */
const STABLE_MS = 1000;

/** What a managed connection is made of. */
export interface ManagedOptions {
  readonly dial: Dial;
  readonly topology: Topology;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly onStatus: ((status: ConnectionStatus) => void) | undefined;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** Keeps a link to the broker open from its first use on. */
export class ManagedConnection implements Connection {
  readonly #options: ManagedOptions;
  readonly #stop = new AbortController();
  readonly #followers = new Set<(link: Link) => void>();
  #status: ConnectionStatus = "idle";
  #link: Link | undefined;
  #opening: Promise<Link> | undefined;
  #running: Promise<void> | undefined;
  #failure: unknown;
  #nextAt = 0;
  /** Sends the requests and messages of all clients. */
  readonly sender: Sender = new Sender(this, { hasReplies: true });

  constructor(options: ManagedOptions) {
    this.#options = options;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  get backoff(): Backoff {
    return this.#options.backoff;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  async ready(): Promise<void> {
    await this.link();
  }

  /** Gives the link, or waits for the attempt that is under way; rejects between two of them. */
  link(): Promise<Link> {
    if (this.#stop.signal.aborted) return Promise.reject(closed());
    this.#running ??= this.#run();
    if (this.#status !== "waiting") return this.#opening!;
    return Promise.reject(unreachable(this.#failure, this.#nextAt - this.clock.now()));
  }

  /** Calls back with the link and each further one. */
  follow(follower: (link: Link) => void): Disposable {
    this.#followers.add(follower);
    this.link().catch(() => {});
    if (this.#link !== undefined) follower(this.#link);
    return { [Symbol.dispose]: () => void this.#followers.delete(follower) };
  }

  /** Whether a link is the one that is open. */
  isCurrent(link: Link): boolean {
    return this.#link === link;
  }

  /** Declares the topology once more, as when a queue of it has been deleted. */
  declare(link: Link): Promise<void> {
    return declare(link, this.#options.topology);
  }

  tell(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort(closed());
      await this.#link?.close();
    }
    await this.#running;
    this.#set("closed");
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures++) {
      const { promise, resolve, reject } = Promise.withResolvers<Link>();
      promise.catch(() => {}); // Not everybody asks.
      this.#opening = promise;
      this.#set("connecting");
      let link: Link | undefined;
      try {
        link = await this.#options.dial(signal);
        await this.declare(link);
        signal.throwIfAborted();
      } catch (cause) {
        await link?.close();
        if (signal.aborted) reject(closed());
        else {
          const error = brokerError("Cannot reach broker", cause);
          reject(error);
          await this.#pause(error, failures);
        }
        continue;
      }
      const openedAt = this.clock.now();
      this.#link = link;
      this.#set("connected");
      resolve(link);
      for (const follower of this.#followers) follower(link);
      const why = await link.lost;
      this.#link = undefined;
      if (signal.aborted) break;
      const error = brokerError("Connection to broker was lost", why);
      if (this.clock.now() - openedAt >= STABLE_MS) {
        failures = -1;
        this.tell(error);
      } else await this.#pause(error, failures);
    }
  }

  async #pause(error: unknown, failures: number): Promise<void> {
    const { signal } = this.#stop;
    const ms = pauseMs(this.backoff, failures);
    this.#failure = error;
    this.#nextAt = this.clock.now() + ms;
    this.#set("waiting");
    this.tell(error);
    await delay(ms, { signal, clock: this.clock }).catch(() => {});
  }

  #set(status: ConnectionStatus): void {
    if (this.#status === status || this.#status === "closed") return;
    this.#status = status;
    try {
      this.#options.onStatus?.(status);
    } catch {
      // Who is told of it cannot change it.
    }
  }
}

/** Finds what is behind a connection that {@linkcode connect} has made. */
export function managed(connection: Connection): ManagedConnection {
  if (connection instanceof ManagedConnection) return connection;
  throw new TypeError("Cannot use connection as it was not made by connect()");
}

function closed(): KitError {
  return new KitError("unavailable", "Connection to broker is closed");
}

function unreachable(cause: unknown, leftMs: number): KitError {
  const error = brokerError("Cannot reach broker", cause);
  return new KitError(error.code, error.message, { cause, retryAfterMs: Math.max(0, leftMs) });
}
