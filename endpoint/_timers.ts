/**
 * Many timers on one timer of the runtime: a heap ordered by due time.
 *
 * A `setTimeout` with its `clearTimeout` costs a trivial request handler a third of its throughput;
 * an entry of this heap costs a few comparisons. The first entry of an empty heap does pay for the
 * runtime's timer, since one that stayed armed for nobody would be a leak: who serves for long may
 * keep one far-off entry in, and spare every call that cost.
 * @module
 */
import { holdProcess, type TimerId } from "./_runtime.ts";

/** The longest delay that `setTimeout` takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

class Timer implements Disposable {
  /** Place in the heap, -1 when not in it. */
  index = -1;

  constructor(
    readonly timers: Timers,
    readonly dueAt: number,
    /** Order of equal due times. */
    readonly number: number,
    public callback: (() => void) | undefined,
    readonly keepAlive: boolean,
  ) {}

  [Symbol.dispose](): void {
    this.timers.remove(this);
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.number < b.number);
}

/** A set of timers that share one timer of the runtime. */
export class Timers {
  readonly #heap: Timer[] = [];
  #number = 0;
  #holding = 0;
  #timer: TimerId | undefined;
  #timerDueAt = Infinity;
  #isHeld = true;
  #isFiring = false;

  /** Calls back once after `delayMs`, unless the returned timer is disposed before. */
  add(delayMs: number, callback: () => void, keepAlive: boolean): Disposable {
    // NaN is no delay, as for `setTimeout`: in the heap it would be before nothing and after nothing.
    const dueAt = performance.now() + (delayMs > 0 ? delayMs : 0);
    const timer = new Timer(this, dueAt, this.#number++, callback, keepAlive);
    timer.index = this.#heap.push(timer) - 1;
    this.#rise(timer);
    if (keepAlive) this.#holding++;
    const isArmed = this.#timer !== undefined && this.#timerDueAt <= dueAt;
    // A callback that adds a timer must not arm before the due ones have run.
    if (!isArmed && !this.#isFiring) this.#arm();
    else this.#hold();
    return timer;
  }

  /** Takes a timer out; nothing happens if it is not in. */
  remove(timer: Timer): void {
    if (timer.index < 0) return;
    this.#takeOut(timer);
    if (this.#heap.length === 0) this.#disarm();
    else this.#hold();
  }

  #takeOut(timer: Timer): void {
    const last = this.#heap.pop()!;
    if (last !== timer) {
      this.#heap[timer.index] = last;
      last.index = timer.index;
      this.#rise(last);
      this.#sink(last);
    }
    timer.index = -1;
    timer.callback = undefined;
    if (timer.keepAlive) this.#holding--;
  }

  #rise(timer: Timer): void {
    while (timer.index > 0) {
      const parent = this.#heap[(timer.index - 1) >> 1]!;
      if (!isBefore(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#heap[2 * timer.index + 1];
      if (left === undefined) return;
      const right = this.#heap[2 * timer.index + 2];
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, timer)) return;
      this.#swap(child, timer);
    }
  }

  #swap(up: Timer, down: Timer): void {
    const index = up.index;
    up.index = down.index;
    down.index = index;
    this.#heap[up.index] = up;
    this.#heap[index] = down;
  }

  #arm(): void {
    this.#disarm();
    const first = this.#heap[0];
    if (first === undefined) return;
    const delayMs = Math.ceil(first.dueAt - performance.now());
    this.#timerDueAt = first.dueAt;
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    this.#isHeld = true;
    this.#hold();
  }

  #disarm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDueAt = Infinity;
  }

  #hold(): void {
    const hold = this.#holding > 0;
    if (this.#timer === undefined || hold === this.#isHeld) return;
    this.#isHeld = hold;
    holdProcess(this.#timer, hold);
  }

  #fire(): void {
    this.#timer = undefined;
    this.#isFiring = true;
    const now = performance.now();
    // What the callbacks add waits for the next turn, or one that adds another at once never ends.
    const end = this.#number;
    try {
      for (;;) {
        const first = this.#heap[0];
        if (first === undefined || first.dueAt > now || first.number >= end) break;
        const { callback } = first;
        this.#takeOut(first);
        callback!();
      }
    } finally {
      // Also after a callback that threw: the others still run, in the next turn.
      this.#isFiring = false;
      this.#arm();
    }
  }
}

/** The timers behind the clock of the system. */
export const systemTimers: Timers = new Timers();
