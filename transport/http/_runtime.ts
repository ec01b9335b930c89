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

interface Runtime {
  serve(options: RuntimeServeOptions, handler: Handler): RuntimeServer;
  addSignalListener(name: string, listener: () => void): void;
  removeSignalListener(name: string, listener: () => void): void;
}

/** Gives what serving needs of the runtime. */
export function runtime(): Runtime {
  const { Deno } = globalThis as { Deno?: Runtime };
  if (Deno === undefined) {
    throw new TypeError("Cannot serve as this runtime has no Deno.serve: use its own server");
  }
  return Deno;
}
