/**
 * How each example begins and ends.
 * @module
 */
import { type Sink, stderrSink } from "@kit/log";
import { type Flags, parseFlags, usage, UsageError, type Values } from "./flags.ts";

export { listen } from "./flags.ts";

/** How long a stop waits for calls under way, of which each takes far less. */
export const DRAIN_MS = 2000;

/**
 * Runs a program to its end, and the process with it: exit code 0 when it has stopped, 2 when its
 * flags are wrong, 1 when it cannot go on. What is wrong is told in one line.
 * @param name What the program is called.
 * @param flags The flags that it takes.
 * @param program The program; what it logs to is flushed at the end.
 */
export async function main<F extends Flags>(
  name: string,
  flags: F,
  program: (values: Values<F>, stderr: Sink) => Promise<void>,
): Promise<never> {
  const stderr = stderrSink();
  let code = 0;
  try {
    const values = parseFlags(flags, Deno.args);
    // deno-lint-ignore no-console
    if (values === "help") console.log(usage(name, flags));
    else await program(values, stderr);
  } catch (error) {
    code = error instanceof UsageError ? 2 : 1;
    stderr(`${name}: ${(error as Error).message}`);
    if (error instanceof UsageError && error.isUnknown) stderr(usage(name, flags));
  }
  await stderr[Symbol.asyncDispose]();
  // A client that does not read its response would keep the process alive.
  Deno.exit(code);
}

/** Tells where a server listens: as it was asked to, but with the port that it got for port 0. */
export function addressOf(
  server: { readonly addr: { readonly port: number } },
  listen: string,
): string {
  return listen.replace(/:0+$/, `:${server.addr.port}`);
}
