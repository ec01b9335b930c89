/**
 * The context of a call that came by TCP.
 * @module
 */
import { type Context, type ContextKey, type Metadata, NO_METADATA } from "@kit/endpoint";
import { remoteAddress } from "../http/keys.ts";

/** Knows who calls, and is aborted when that one goes. The wire carries nothing else. */
export class CallContext implements Context {
  readonly canAbort = true;
  readonly deadline = undefined;
  readonly metadata: Metadata = NO_METADATA;
  readonly outgoing: Metadata = NO_METADATA;
  readonly #address: string;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor(address: string) {
    this.#address = address;
  }

  /** Made on first read. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Tells that nobody waits any more. */
  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  value<T>(key: ContextKey<T>): T | undefined {
    return key as unknown === remoteAddress ? this.#address as unknown as T : undefined;
  }
}
