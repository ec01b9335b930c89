/** From `register()` to `deregister()`: a session and the node that is kept in it. */
import { codeOf, KitError, toKitError } from "@kit/endpoint";
import type { StatusTracker } from "@kit/sd/status";
import type { Config } from "./_config.ts";
import { Deferred } from "./_deferred.ts";
import type { OwnNode } from "./_own_node.ts";
import { EVENT } from "./_protocol.ts";
import { Session } from "./_session.ts";
import { Upkeep } from "./_upkeep.ts";

/** The refusals that no new try will change. */
const FINAL = new Set([
  "permission_denied",
  "unauthenticated",
  "invalid_argument",
  "failed_precondition",
  "resource_exhausted",
]);

/** A node that somebody has deleted is created again within this time, so that two cannot race. */
const SPREAD_MS = 200;

export class Registration {
  readonly #tracker: StatusTracker;
  readonly #session: Session;
  readonly #upkeep: Upkeep;
  readonly #registered = new Deferred<void>();
  readonly #deadline: Disposable;
  #isOver = false;
  #hasSucceeded = false;
  #lastError: KitError | undefined;

  constructor(config: Config, node: OwnNode, tracker: StatusTracker, registerTimeoutMs: number) {
    this.#tracker = tracker;
    this.#registered.promise.catch(() => {}); // It may end before anybody waits.
    const upkeep = new Upkeep(config, {
      run: async (connection) => {
        try {
          await node.ensure(connection, this.#session.id);
          if (upkeep.has(connection)) this.#succeed();
        } catch (error) {
          if (codeOf(error) !== "already_exists") throw error;
          this.#note(toKitError(error)); // Its end is watched.
        }
      },
      onError: (error) => this.#note(error),
    });
    this.#upkeep = upkeep;
    this.#deadline = config.clock.after(registerTimeoutMs, () => {
      const { code = "deadline_exceeded", message = "there was no answer" } = this.#lastError ?? {};
      const text = `Cannot register within ${registerTimeoutMs} ms: ${message}`;
      this.#fail(new KitError(code, text, { cause: this.#lastError }));
    });
    this.#session = new Session(config, {
      onUp: (connection) => this.#isOver || upkeep.up(connection),
      onDown: (error) => {
        upkeep.down();
        this.#note(error);
      },
      onEvent: (type, path) => {
        if (this.#isOver || !node.is(path)) return;
        if (type === EVENT.deleted) tracker.set("connecting");
        upkeep.poke(SPREAD_MS * config.random());
      },
    });
  }

  /** Resolves when the node is there for the first time; rejects if it never will be. */
  get done(): Promise<void> {
    return this.#registered.promise;
  }

  /**
   * Ends it, and tells whether the servers know.
   * @param reason What it rejects with, if it has not succeeded.
   */
  async end(waitMs: number, reason = cancelled()): Promise<boolean> {
    this.#isOver = true;
    this.#deadline[Symbol.dispose]();
    this.#upkeep.down();
    const isTold = await this.#session.close(waitMs);
    this.#registered.reject(reason);
    return isTold;
  }

  #succeed(): void {
    this.#hasSucceeded = true;
    this.#deadline[Symbol.dispose]();
    this.#registered.resolve();
    this.#tracker.set("connected");
  }

  #note(error: KitError): void {
    if (this.#isOver) return;
    this.#lastError = error;
    this.#tracker.set("disconnected", error);
    if (!this.#hasSucceeded && FINAL.has(error.code)) this.#fail(error);
  }

  #fail(error: KitError): void {
    this.#tracker.set("disconnected", error);
    void this.end(0, error);
  }
}

function cancelled(): KitError {
  return new KitError("cancelled", "Cannot register as it was deregistered meanwhile");
}
