/**
 * The one place of the HTTP transport that knows which runtime it is on.
 * @module
 */
import type { Handler } from "./handler.ts";

/** A server of the runtime. */
export interface RuntimeServer {
  readonly addr: { readonly hostname: string; readonly port: number };
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
}

/** How a server of the runtime is started. */
export interface RuntimeServeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly signal: AbortSignal;
  readonly onListen: () => void;
  readonly onError: (error: unknown) => Response;
  readonly cert?: string;
  readonly key?: string;
}

/** How long a process has left once there is nothing more to wait for. */
const LAST_MS = 500;

/** The part of the runtime that serving needs. */
interface DenoRuntime {
  serve(options: RuntimeServeOptions, handler: Handler): RuntimeServer;
  exit(): never;
}

/** What serving needs of the runtime. */
export interface Runtime extends Omit<DenoRuntime, "exit"> {
  /** Ends the process soon, whatever still holds it, but leaves it the time to write its last lines. */
  endSoon(): void;
}

/** Gives what serving needs of the runtime. */
export function runtime(): Runtime {
  const { Deno } = globalThis as { Deno?: DenoRuntime };
  if (Deno === undefined) {
    throw new TypeError("Cannot serve as this runtime has no Deno.serve: use its own server");
  }
  return {
    serve: (options, handler) => Deno.serve(options, handler),
    endSoon: () => void setTimeout(() => Deno.exit(), LAST_MS),
  };
}

/** What the server's side of a WebSocket is made with. */
export interface UpgradeOptions {
  /** The subprotocol chosen. */
  readonly protocol?: string;
  /** After how many seconds without a sign of the peer the connection is closed. */
  readonly idleTimeout?: number;
}

/** The server's side of a WebSocket, and what answers the request for it. */
export interface Upgraded {
  readonly socket: WebSocket;
  readonly response: Response;
}

/** Turns a request into a WebSocket. */
export function upgradeWebSocket(request: Request, options: UpgradeOptions): Upgraded {
  const { Deno } = globalThis as {
    Deno?: { upgradeWebSocket?(request: Request, options: UpgradeOptions): Upgraded };
  };
  if (Deno?.upgradeWebSocket === undefined) {
    throw new TypeError("Cannot upgrade as this runtime has no Deno.upgradeWebSocket: set upgrade");
  }
  return Deno.upgradeWebSocket(request, options);
}

/** Opens a WebSocket. Browsers take no headers. */
export function connectWebSocket(
  url: string,
  protocols: string[],
  headers: Record<string, string>,
): WebSocket {
  const { Deno, process } = globalThis as { Deno?: unknown; process?: unknown };
  const isBrowser = Deno === undefined && process === undefined;
  const init = isBrowser ? protocols : { protocols, headers } as unknown as string[];
  return new WebSocket(url, init);
}
