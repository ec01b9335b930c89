/**
 * The contexts that are derived from another.
 * @module
 */
import { background } from "./background.ts";
import type { Clock } from "./clock.ts";
import type { Context, ContextKey, DisposableContext } from "./context.ts";
import { KitError } from "./kit_error.ts";
import type { Metadata } from "./metadata.ts";

/** The error of a call that ran out of time. */
export function deadlineExceeded(): KitError {
  return new KitError("deadline_exceeded", "Deadline exceeded");
}

/** Answers everything as its parent does. */
class Child implements Context {
  constructor(protected readonly parent: Context) {}

  get signal(): AbortSignal {
    return this.parent.signal;
  }
  get canAbort(): boolean {
    return this.parent.canAbort;
  }
  get deadline(): number | undefined {
    return this.parent.deadline;
  }
  get metadata(): Metadata {
    return this.parent.metadata;
  }
  get outgoing(): Metadata {
    return this.parent.outgoing;
  }
  value<T>(key: ContextKey<T>): T | undefined {
    return this.parent.value(key);
  }
}

export class ValueContext<V> extends Child {
  constructor(parent: Context, readonly key: ContextKey<V>, readonly held: V) {
    super(parent);
  }
  override value<T>(key: ContextKey<T>): T | undefined {
    return key as unknown === this.key ? this.held as unknown as T : this.parent.value(key);
  }
}

export class MetadataContext extends Child {
  constructor(parent: Context, readonly own: Metadata) {
    super(parent);
  }
  override get metadata(): Metadata {
    return this.own;
  }
}

export class OutgoingContext extends Child {
  constructor(parent: Context, readonly own: Metadata) {
    super(parent);
  }
  override get outgoing(): Metadata {
    return this.own;
  }
}

export class DetachedContext extends Child {
  override get signal(): AbortSignal {
    return background().signal;
  }
  override get canAbort(): boolean {
    return false;
  }
  override get deadline(): undefined {
    return undefined;
  }
}

/** Links a controller of its own to the signals above it, by hand: `AbortSignal.any` leaks. */
abstract class AbortableContext extends Child implements DisposableContext {
  #controller: AbortController | undefined;
  #release: (() => void)[] | undefined;
  #isDisposed = false;

  override get canAbort(): boolean {
    return true;
  }

  override get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = this.#controller = new AbortController();
    if (this.parent.canAbort) this.follow(this.parent.signal);
    if (!controller.signal.aborted) this.start();
    if (this.#isDisposed || controller.signal.aborted) this.#free();
    return controller.signal;
  }

  /** Adds what can abort this context besides its parent. */
  protected abstract start(): void;

  protected follow(signal: AbortSignal): void {
    if (signal.aborted) return this.abort(signal.reason);
    const onAbort = () => this.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.hold(() => signal.removeEventListener("abort", onAbort));
  }

  protected hold(release: () => void): void {
    (this.#release ??= []).push(release);
  }

  protected abort(reason: unknown): void {
    this.#free();
    this.#controller!.abort(reason);
  }

  #free(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.forEach((free) => free());
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#free();
  }
}

export class SignalContext extends AbortableContext {
  constructor(parent: Context, readonly own: AbortSignal) {
    super(parent);
  }
  override get signal(): AbortSignal {
    return this.parent.canAbort ? super.signal : this.own;
  }
  protected override start(): void {
    this.follow(this.own);
  }
}

export class DeadlineContext extends AbortableContext {
  constructor(parent: Context, readonly own: number, readonly clock: Clock) {
    super(parent);
  }
  override get deadline(): number {
    return this.own;
  }
  protected override start(): void {
    const remaining = this.own - this.clock.now();
    if (remaining <= 0) return this.abort(deadlineExceeded());
    const timer = this.clock.after(remaining, () => this.abort(deadlineExceeded()), {
      keepAlive: false,
    });
    this.hold(() => timer[Symbol.dispose]());
  }
}

/** A later deadline than the parent's changes nothing, so there is nothing to hold either. */
export class SameDeadlineContext extends Child implements DisposableContext {
  [Symbol.dispose](): void {}
}
