/**
 * Entries that see the calls made on them.
 * @module
 */
import { type Context, type Endpoint, whenDone } from "@kit/endpoint";
import type { Entry, Instance } from "@kit/sd";
import { started } from "./_until_done.ts";

/** An entry around another one, for as long as that lives. */
export abstract class TrackedEntry<Req, Res> implements Entry<Req, Res> {
  readonly endpoint: Endpoint<Req, Res>;
  readonly #entry: Entry<Req, Res>;

  constructor(entry: Entry<Req, Res>) {
    this.#entry = entry;
    this.endpoint = (request, ctx) => this.call(request, ctx);
  }

  get instance(): Instance {
    return this.#entry.instance;
  }

  protected abstract call(request: Req, ctx: Context): Promise<Res>;

  /** Makes the call itself. */
  protected start(request: Req, ctx: Context): Promise<Res> {
    return started(() => this.#entry.endpoint(request, ctx));
  }
}

/** How many calls are under way on all the entries that share it. */
export interface Tally {
  running: number;
}

/** Counts the calls under way on it, a streamed response until its end. */
export class CountedEntry<Req, Res> extends TrackedEntry<Req, Res> {
  running = 0;
  readonly #tally: Tally;

  constructor(entry: Entry<Req, Res>, tally: Tally) {
    super(entry);
    this.#tally = tally;
  }

  protected override call(request: Req, ctx: Context): Promise<Res> {
    this.running++;
    this.#tally.running++;
    return whenDone(this.start(request, ctx), this.#ended);
  }

  readonly #ended = (): void => {
    this.running--;
    this.#tally.running--;
  };
}

/**
 * Wraps entries, each once.
 * @returns What gives the wrapped entries of a set.
 */
export function wrappedOnce<Req, Res, T extends Entry<Req, Res>>(
  wrap: (entry: Entry<Req, Res>) => T,
): (entries: readonly Entry<Req, Res>[]) => readonly T[] {
  const kept = new WeakMap<Entry<Req, Res>, T>();
  return (entries) =>
    entries.map((entry) => {
      let wrapped = kept.get(entry);
      if (wrapped === undefined) kept.set(entry, wrapped = wrap(entry));
      return wrapped;
    });
}
