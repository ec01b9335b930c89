/**
 * How a server stops: gently at first, and at a deadline or a second signal not.
 * @module
 */
import { type Clock, delay } from "@kit/endpoint";

/** What tells of signals, on Deno, Node and Bun. */
interface Process {
  on(name: string, listener: () => void): void;
  off(name: string, listener: () => void): void;
}

/** When a server stops, and by what clock. */
export interface StopRules {
  readonly clock: Clock;
  /** Signals of the system that stop it; none where its host sees to them. */
  readonly signals?: readonly ("SIGINT" | "SIGTERM" | "SIGHUP")[];
}

/** What a stop waits by. */
export interface Stop {
  /** Whether a signal of the system asked for it. */
  readonly isSignalled: boolean;
  /** Waits, but not beyond a second signal. */
  pause(ms: number): Promise<void>;
  /** Waits for some work; `false` if that takes longer, or a second signal comes. */
  within(ms: number, work: Promise<unknown>, by?: Clock): Promise<boolean>;
}

/** A server that can be stopped, once. */
export interface Stoppable extends AsyncDisposable {
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be cut off. */
  readonly finished: Promise<boolean>;
  /** Stops it; resolves to what `finished` does. */
  shutdown(): Promise<boolean>;
}

/**
 * Makes what stops a server when it is asked to or a signal comes, whichever is first.
 * @param stop Stops the server; tells whether nothing had to be cut off.
 * @param rules When, and by what clock.
 */
export function stoppable(stop: (way: Stop) => Promise<boolean>, rules: StopRules): Stoppable {
  const { clock, signals = [] } = rules;
  const { promise: finished, resolve, reject } = Promise.withResolvers<boolean>();
  const hurry = new AbortController();
  const names = new Set(signals);
  const { process } = globalThis as { process?: Process };
  let isStopping = false;
  let isSignalled = false;

  const way: Stop = {
    get isSignalled() {
      return isSignalled;
    },
    pause: (ms) => delay(ms, { clock, signal: hurry.signal }).catch(() => {}),
    within(ms, work, by = clock) {
      const pause = new AbortController();
      const signal = AbortSignal.any([hurry.signal, pause.signal]);
      const late = delay(ms, { clock: by, signal }).then(() => false, () => false);
      return Promise.race([work.then(() => true), late]).finally(() => pause.abort());
    },
  };

  function shutdown(): Promise<boolean> {
    if (!isStopping) {
      isStopping = true;
      stop(way).finally(() => {
        for (const name of names) process?.off(name, onSignal);
      }).then(resolve, reject);
    }
    return finished;
  }

  function onSignal(): void {
    isSignalled = true;
    if (isStopping) hurry.abort();
    else void shutdown();
  }

  for (const name of names) process?.on(name, onSignal);
  return { finished, shutdown, [Symbol.asyncDispose]: async () => void await shutdown() };
}
