/** A job that is done on every new connection, and again when something has changed. */
import { type KitError, toKitError } from "@kit/endpoint";
import { backoffMs, type Config, mostPauseMs } from "./_config.ts";
import type { Connection } from "./_connection.ts";

export interface Job {
  run(connection: Connection): Promise<void>;
  /** It has failed, and not because the connection is lost; it is done again after a pause. */
  onError(error: KitError): void;
}

/** Does a job, never twice at a time. */
export class Upkeep {
  readonly #config: Config;
  readonly #job: Job;
  #connection: Connection | undefined;
  #timer: Disposable | undefined;
  #dueAt = 0;
  #notBefore = 0;
  #failures = 0;
  #isRunning = false;
  #againInMs: number | undefined;

  constructor(config: Config, job: Job) {
    this.#config = config;
    this.#job = job;
  }

  /** Begins, with a new connection. */
  up(connection: Connection): void {
    this.#connection = connection;
    this.#notBefore = 0;
    this.poke(0);
  }

  /** Stops, until there is a connection. */
  down(): void {
    this.#connection = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  /** Does the job in so many milliseconds at the latest, but not before the pause after a failure. */
  poke(delayMs: number): void {
    if (this.#connection === undefined) return;
    if (this.#isRunning) {
      this.#againInMs = Math.min(this.#againInMs ?? Infinity, delayMs);
      return;
    }
    const { clock } = this.#config;
    const now = clock.now();
    const dueAt = Math.max(now + delayMs, this.#notBefore);
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return;
    this.#timer?.[Symbol.dispose]();
    this.#dueAt = dueAt;
    this.#timer = clock.after(dueAt - now, () => void this.#run(this.#connection!));
  }

  /** Tells whether a connection is the one in use. */
  has(connection: Connection): boolean {
    return this.#connection === connection && !connection.isClosed;
  }

  async #run(connection: Connection): Promise<void> {
    const { clock, random } = this.#config;
    this.#timer = undefined;
    this.#isRunning = true;
    this.#againInMs = undefined;
    try {
      await this.#job.run(connection);
      this.#failures = this.#notBefore = 0;
    } catch (error) {
      if (this.has(connection)) {
        this.#notBefore = clock.now() +
          backoffMs(this.#failures++, mostPauseMs(this.#config), random);
        this.#againInMs = 0;
        this.#job.onError(toKitError(error));
      }
    }
    this.#isRunning = false;
    if (this.#againInMs !== undefined) this.poke(this.#againInMs);
  }
}
