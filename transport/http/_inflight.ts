/**
 * The requests that a server has begun and not finished.
 * @module
 */
import { type Clock, KitError } from "@kit/endpoint";
import type { Handler, HandlerInfo } from "./handler.ts";
import { HttpError } from "./http_error.ts";
import { problem } from "./problem.ts";

/** How long requests may take, and who is told of errors. */
export interface InflightOptions {
  readonly handlerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly clock: Clock;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** One request. It is what its handler gets as its info. */
class Begun implements HandlerInfo {
  bodyReceived = true;
  isAnswered = false;
  send!: (response: Response) => void;
  /** What goes on after the response. */
  held: { readonly over: Promise<unknown>; readonly cutOff: (reason: unknown) => void } | undefined;
  #controller: AbortController | undefined;
  #reason: KitError | undefined;

  constructor(
    readonly request: Request,
    readonly info: HandlerInfo,
    readonly begunAt: number,
  ) {}

  /** Made on first read, as reading the signal of a request is dear. */
  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = this.#controller = new AbortController();
    const { signal } = this.request;
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
    return controller.signal;
  }

  hold(over: Promise<unknown>, cutOff: (reason: unknown) => void): void {
    this.held = { over, cutOff };
  }

  /** Tells whoever still works for the request that the host waits no longer. */
  cutOff(reason: KitError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
    this.held?.cutOff(reason);
  }

  /** Answers with an error in place of the handler, which is told by its signal. */
  giveUp(error: KitError): void {
    this.#reason = error;
    const response = problem(error);
    this.answer(error instanceof HttpError ? closing(response) : response);
    this.#controller?.abort(error);
  }

  /** Answers, unless that has been done already. */
  answer(response: Response): void {
    if (!this.isAnswered) {
      this.isAnswered = true;
      this.send(response);
    } else if (response.body !== null) {
      // Nobody will read it, and whoever makes it has to know.
      response.body.cancel().catch(() => {});
    }
  }

  get remoteAddr(): HandlerInfo["remoteAddr"] {
    return this.info.remoteAddr;
  }
  get completed(): Promise<void> {
    return this.info.completed!;
  }
}

/**
 * Runs a handler and keeps account of what it has begun.
 *
 * A timer for each request would cost a small handler several percent of its throughput, so one
 * timer looks at all of them, several times within the shortest time allowed.
 */
export class Inflight implements Disposable {
  readonly #requests = new Set<Begun>();
  readonly #tickMs: number;
  #tick = 0;
  #timer: Disposable | undefined;
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor(readonly handler: Handler, readonly options: InflightOptions) {
    const { handlerTimeoutMs, bodyTimeoutMs } = options;
    this.#tickMs = Math.max(1, Math.min(1000, handlerTimeoutMs / 4, bodyTimeoutMs / 4));
  }

  /** Answers a request; never rejects. */
  run(request: Request, info: HandlerInfo): Promise<Response> | Response {
    if (this.#isDraining) {
      return closing(problem(new KitError("unavailable", "Server is stopping")));
    }
    const begun = new Begun(request, info, this.#tick);
    this.#requests.add(begun);
    this.#timer ??= this.#startTimer();
    const end = () => this.#end(begun);
    const answered = () => begun.held === undefined ? end() : begun.held.over.then(end, end);
    begun.completed.then(answered, answered);
    return new Promise((send) => {
      begun.send = send;
      const settle = (response: Response) => {
        begun.answer(this.#isDraining ? closing(response) : response);
      };
      try {
        const response = this.handler(request, begun);
        if (response instanceof Promise) {
          response.then(settle, (error) => settle(this.#fail(error)));
        } else settle(response);
      } catch (error) {
        settle(this.#fail(error));
      }
    });
  }

  /** Refuses what comes from now on; resolves when everything begun has ended. */
  drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#requests.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty = resolve);
  }

  /** Tells everything that is still in flight that nobody waits for it any longer. */
  cutOff(): void {
    const reason = new KitError("unavailable", "Server is stopping");
    for (const request of this.#requests) request.cutOff(reason);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #end(request: Begun): void {
    this.#requests.delete(request);
    if (this.#requests.size === 0) this.#onEmpty?.();
  }

  #fail(error: unknown): Response {
    try {
      this.options.onError?.(error);
    } catch {
      // A hook that throws must not take the answer away.
    }
    return problem(error);
  }

  #startTimer(): Disposable {
    return this.options.clock.after(this.#tickMs, () => this.#sweep(), { keepAlive: false });
  }

  #sweep(): void {
    this.#tick++;
    this.#timer = this.#requests.size === 0 ? undefined : this.#startTimer();
    const { handlerTimeoutMs, bodyTimeoutMs } = this.options;
    for (const request of this.#requests) {
      // The tick in which it began may have been all but over.
      const ageMs = (this.#tick - request.begunAt - 1) * this.#tickMs;
      if (ageMs < Math.min(handlerTimeoutMs, bodyTimeoutMs)) break;
      if (request.isAnswered) continue;
      if (!request.bodyReceived && ageMs >= bodyTimeoutMs) {
        request.giveUp(new HttpError(408, "Cannot read body as it took too long"));
      } else if (ageMs >= handlerTimeoutMs) {
        request.giveUp(new KitError("deadline_exceeded", "Server took too long"));
      }
    }
  }
}

/** Asks the client not to use the connection again. */
function closing(response: Response): Response {
  try {
    response.headers.set("connection", "close");
  } catch {
    // Headers of a response that came from elsewhere cannot be changed.
  }
  return response;
}
