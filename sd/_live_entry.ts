/**
 * An entry that knows when it may be closed.
 * @module
 */
import { type Clock, type Context, type Endpoint, whenDone } from "@kit/endpoint";
import type { Entry } from "./endpointer.ts";
import type { Closable, Factory } from "./factory.ts";
import type { Instance } from "./instance.ts";

/** What an entry needs of the endpointer that made it. */
export interface EntryHost<Req, Res> {
  readonly clock: Clock;
  readonly closeDelayMs: number;
  readonly drainMs: number;
  /** Is called once, when nothing can bring the entry back any more. */
  onClose(entry: LiveEntry<Req, Res>, closed: Promise<void>): void;
}

/** Closes once it was told to leave, the delay is over and the calls under way have ended. */
export class LiveEntry<Req, Res> implements Entry<Req, Res> {
  instance: Instance;
  readonly endpoint: Endpoint<Req, Res>;
  readonly #host: EntryHost<Req, Res>;
  readonly #close: (() => unknown) | undefined;
  #running = 0;
  #state: "live" | "delayed" | "draining" | "closed" = "live";
  #timer: Disposable | undefined;

  constructor(
    instance: Instance,
    made: ReturnType<Factory<Req, Res>>,
    host: EntryHost<Req, Res>,
  ) {
    const endpoint = typeof made === "function" ? made : made?.endpoint;
    if (typeof endpoint !== "function") {
      throw new TypeError(`Cannot use what the factory made as it holds no endpoint`);
    }
    this.instance = instance;
    this.#host = host;
    this.#close = closerOf(made);
    // Without anything to close there is no need to know which calls are under way.
    this.endpoint = this.#close === undefined
      ? endpoint
      : (request, ctx) => this.#watch(endpoint, request, ctx);
  }

  /** Starts to close, at once or after the delay. */
  leave({ now }: { readonly now: boolean }): void {
    const { closeDelayMs, clock } = this.#host;
    if (now || closeDelayMs === 0) return this.#drain();
    this.#state = "delayed";
    if (closeDelayMs === Infinity) return;
    this.#timer = clock.after(closeDelayMs, () => this.#drain(), { keepAlive: false });
  }

  /** Takes the order to leave back; only an entry that is not closed yet is asked to. */
  stay(): void {
    this.#stopTimer();
    this.#state = "live";
  }

  #watch(endpoint: Endpoint<Req, Res>, request: Req, ctx: Context): Promise<Res> {
    this.#running++;
    let call: Promise<Res>;
    try {
      call = endpoint(request, ctx);
    } catch (error) {
      call = Promise.reject(error);
    }
    return whenDone(call, this.#ended);
  }

  readonly #ended = (): void => {
    if (--this.#running === 0 && this.#state === "draining") this.#end();
  };

  #drain(): void {
    if (this.#state === "draining") return;
    this.#stopTimer();
    const { drainMs, clock } = this.#host;
    if (this.#running === 0 || drainMs === 0) return this.#end();
    this.#state = "draining";
    if (drainMs < Infinity) this.#timer = clock.after(drainMs, () => this.#end());
  }

  #end(): void {
    this.#stopTimer();
    this.#state = "closed";
    const close = this.#close;
    this.#host.onClose(this, (async () => void await close?.())());
  }

  #stopTimer(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}

function closerOf(made: Closable): (() => unknown) | undefined {
  if (typeof made.close === "function") return () => made.close!();
  if (Symbol.asyncDispose in made) return () => made[Symbol.asyncDispose]!();
  if (Symbol.dispose in made) return () => made[Symbol.dispose]!();
  return undefined;
}
