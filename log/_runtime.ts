/**
 * The one place of this package that knows which runtime it is on. Nothing here is looked at before
 * it is asked for.
 * @module
 */

/** An output stream of the process. */
export interface StdStream {
  /** Writes some bytes without blocking, and tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Writes some bytes at once, and tells how many. */
  writeSync(bytes: Uint8Array): number;
  /** Whether somebody reads it on a terminal. */
  isTerminal(): boolean;
}

interface DenoLike {
  readonly stdout: StdStream;
  readonly stderr: StdStream;
  readonly noColor: boolean;
  unrefTimer(id: unknown): void;
}

interface FsLike {
  write(
    fd: number,
    bytes: Uint8Array,
    done: (error: { readonly code?: string } | null, written: number) => void,
  ): void;
  writeSync(fd: number, bytes: Uint8Array): number;
}

interface ProcessLike {
  readonly env: Readonly<Record<string, string | undefined>>;
  on(event: "exit", listener: () => void): void;
  off(event: "exit", listener: () => void): void;
  getBuiltinModule?(name: "node:fs"): FsLike;
  getBuiltinModule?(name: "node:tty"): { isatty(fd: number): boolean };
  getBuiltinModule?(name: "node:util"): { format(...args: readonly unknown[]): string };
}

const host = globalThis as { readonly Deno?: DenoLike; readonly process?: ProcessLike };

/** How long Node waits before it asks a full pipe again. */
const AGAIN_MS = 10;

/** On Node `process.stderr` blocks when it is a pipe; the file descriptor does not. */
function nodeStream(fd: number, process: ProcessLike): StdStream | undefined {
  const fs = process.getBuiltinModule?.("node:fs");
  if (fs === undefined) return undefined;
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        const attempt = () =>
          fs.write(fd, bytes, (error, written) => {
            if (error === null) resolve(written);
            else if (error.code === "EAGAIN") setTimeout(attempt, AGAIN_MS);
            else reject(error);
          });
        attempt();
      }),
    writeSync: (bytes) => fs.writeSync(fd, bytes),
    isTerminal: () => process.getBuiltinModule?.("node:tty").isatty(fd) ?? false,
  };
}

/** An output stream of the process; `undefined` where there is none, as in a browser. */
export function stdStream(name: "stdout" | "stderr"): StdStream | undefined {
  const { Deno, process } = host;
  if (Deno !== undefined) return Deno[name];
  return process && nodeStream(name === "stdout" ? 1 : 2, process);
}

/** Whether the user asked for no colours. */
export function noColor(): boolean {
  return host.Deno?.noColor ?? Boolean(host.process?.env.NO_COLOR);
}

/** Joins the arguments of a `console` method as that would print them. */
export function formatArguments(args: readonly unknown[]): string {
  const util = host.process?.getBuiltinModule?.("node:util");
  return util === undefined ? args.map(String).join(" ") : util.format(...args);
}

/** Calls back when the process ends, also by an error that nobody caught. */
export function onExit(callback: () => void): Disposable {
  const { Deno, process } = host;
  if (Deno === undefined) {
    process?.on("exit", callback);
    return { [Symbol.dispose]: () => process?.off("exit", callback) };
  }
  const events = ["unload", "error", "unhandledrejection"];
  for (const event of events) globalThis.addEventListener(event, callback);
  return {
    [Symbol.dispose]: () => {
      for (const event of events) globalThis.removeEventListener(event, callback);
    },
  };
}

/** Calls back once after some milliseconds; the process does not wait for it. */
export function after(delayMs: number, callback: () => void): Disposable {
  const timer: unknown = setTimeout(callback, delayMs);
  if (typeof timer === "object") (timer as { unref?(): void }).unref?.();
  else host.Deno?.unrefTimer(timer);
  return { [Symbol.dispose]: () => clearTimeout(timer as number) };
}
