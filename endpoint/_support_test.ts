/**
 * What several tests of this package share. Named as a test, so that it is not published.
 * @module
 */

/** Whether two types are the same one; `any` equals nothing but itself. */
export type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
  ? true
  : false;

/** Compiles only if the type given is `true`. */
export function pin<_T extends true>(): void {}

/** A controller whose signal counts the listeners that are on it. */
export function counted(): {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  listeners(): number;
} {
  const controller = new AbortController();
  const { signal } = controller;
  const on = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListener, options?: unknown) => {
    on.add(listener);
    add(type, listener, options as AddEventListenerOptions);
  };
  signal.removeEventListener = (type: string, listener: EventListener) => {
    on.delete(listener);
    remove(type, listener);
  };
  return { controller, signal, listeners: () => on.size };
}
