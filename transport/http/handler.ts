/**
 * The shape of an HTTP handler.
 * @module
 */

/** What a host tells about a request besides the request: `Deno.serve`'s second argument fits. */
export interface HandlerInfo {
  /** Who sent the request. */
  readonly remoteAddr?: { readonly hostname?: string; readonly port?: number };
  /** Settles when the response has been handed over. */
  readonly completed?: Promise<void>;
  /**
   * Aborted when the client goes or the host gives the request up, before the response is complete;
   * where there is none, the signal of the request is all there is.
   */
  readonly signal?: AbortSignal;
  /**
   * Whether a handler waits for no more of the body. A host that bounds bodies sets it to `true`; a
   * handler that reads one sets it to `false` when it begins, and to `true` when all is there.
   */
  bodyReceived?: boolean;
  /**
   * Counts what goes on after the response, as a WebSocket does, as in flight until it is over.
   * @param over Settles when it is over.
   * @param cutOff Called when the host waits no longer, with the reason.
   */
  hold?(over: Promise<unknown>, cutOff: (reason: unknown) => void): void;
}

/**
 * Answers a request. It fits `Deno.serve`, Hono, `@std/http` and every other host of `Request` and
 * `Response`.
 */
export type Handler = (request: Request, info?: HandlerInfo) => Response | Promise<Response>;
