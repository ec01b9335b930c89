/**
 * The context of a call that came by HTTP. Nothing of it is made before it is asked for.
 * @module
 */
import {
  background,
  type Context,
  type ContextKey,
  type DisposableContext,
  type Metadata,
  metadata,
  NO_METADATA,
  withDeadline,
  withSignal,
} from "@kit/endpoint";
import type { HandlerInfo } from "./handler.ts";
import { httpRequest, remoteAddress } from "./keys.ts";

/** The context of one request. */
export class RequestContext implements Context {
  readonly canAbort = true;
  readonly outgoing: Metadata = NO_METADATA;
  #metadata: Metadata | undefined;
  #timed: DisposableContext | undefined;
  #isReleased = false;
  deadline: number | undefined;

  constructor(readonly request: Request, readonly info: HandlerInfo | undefined) {}

  get metadata(): Metadata {
    return this.#metadata ??= metadata(this.request.headers);
  }

  // Reading the signal of a request costs half of a small handler's throughput, so it is left alone
  // until somebody asks.
  get signal(): AbortSignal {
    if (this.deadline === undefined) return this.#lost;
    this.#timed ??= withDeadline(withSignal(background(), this.#lost), this.deadline);
    const { signal } = this.#timed;
    if (this.#isReleased) this.#timed[Symbol.dispose]();
    return signal;
  }

  /** Tells that nobody waits any more. A host may pass what it likes as info. */
  get #lost(): AbortSignal {
    const signal = this.info?.signal;
    return signal instanceof AbortSignal ? signal : this.request.signal;
  }

  value<T>(key: ContextKey<T>): T | undefined {
    if (key as unknown === httpRequest) return this.request as unknown as T;
    if (key as unknown === remoteAddress) return this.#address() as unknown as T;
    return undefined;
  }

  #address(): string | undefined {
    const { hostname, port } = this.info?.remoteAddr ?? {};
    if (hostname === undefined || port === undefined) return hostname;
    return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }

  /**
   * Lets go of the timer once the response has been handed over: at its end if it is a stream and
   * the host tells, else now.
   */
  release(completed: Promise<void> | undefined): void {
    if (this.deadline === undefined) return;
    const free = () => {
      this.#isReleased = true;
      this.#timed?.[Symbol.dispose]();
    };
    if (completed === undefined) free();
    else completed.then(free, free);
  }
}
