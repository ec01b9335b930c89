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
  addSignalListener(name: string, listener: () => void): void;
  removeSignalListener(name: string, listener: () => void): void;
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
    addSignalListener: (name, listener) => Deno.addSignalListener(name, listener),
    removeSignalListener: (name, listener) => Deno.removeSignalListener(name, listener),
    endSoon: () => void setTimeout(() => Deno.exit(), LAST_MS),
  };
}
