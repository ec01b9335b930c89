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
import { parseDeadline } from "../_deadline.ts";
import type { HandlerInfo } from "./handler.ts";
import { httpRequest, remoteAddress } from "./keys.ts";

/** The context of one request. */
export class RequestContext implements Context {
  readonly canAbort = true;
  readonly outgoing: Metadata = NO_METADATA;
  #metadata: Metadata | undefined;
  #timed: DisposableContext | undefined;
  #isReleased = false;
  /** `null` until the header has been read. */
  #deadline: number | undefined | null = null;

  constructor(
    readonly request: Request,
    readonly info: HandlerInfo | undefined,
    readonly deadlineHeader: string | false = false,
  ) {}

  // Reading a header costs some percent of a small handler's throughput, so it is left until
  // somebody asks, unless the body may be long in coming: the time counts from the reading.
  get deadline(): number | undefined {
    if (this.#deadline === null) this.readDeadline();
    return this.#deadline!;
  }

  /** Whether there is a deadline that has been read already. */
  get hasDeadline(): boolean {
    return typeof this.#deadline === "number";
  }

  /**
   * Begins to count the time that the caller has given.
   * @throws {KitError} If the header makes no sense, or says that nobody waits.
   */
  readDeadline(): void {
    const name = this.deadlineHeader;
    const value = name === false ? null : this.request.headers.get(name);
    this.#deadline = value === null ? undefined : parseDeadline(name as string, value);
  }

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
  release(): void {
    if (!this.hasDeadline) return;
    const free = () => {
      this.#isReleased = true;
      this.#timed?.[Symbol.dispose]();
    };
    const completed = this.info?.completed;
    if (completed === undefined) free();
    else completed.then(free, free);
  }
}
