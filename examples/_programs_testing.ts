/**
 * Starts the examples for tests.
 * @module
 */
import { delay } from "@kit/endpoint";
import { freePorts, type Program, start } from "./_shared/program.ts";

export const NAMES = ["stringsvc1", "stringsvc2", "stringsvc3"] as const;
export type Name = typeof NAMES[number];

/** A program that is killed when the test is over, whatever comes. */
export interface Running extends Program, AsyncDisposable {
  readonly port: number;
}

export async function running(name: Name, ...flags: string[]): Promise<Running> {
  const [port = 0] = freePorts(1);
  const program = start(name, [`--listen=127.0.0.1:${port}`, ...flags]);
  await isListening(program, port);
  return Object.assign(program, {
    port,
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGKILL");
      await program.status;
    },
  });
}

/** The first example says nothing when it listens, as in the tutorial. */
async function isListening(program: Program, port: number): Promise<void> {
  let hasEnded = false;
  program.status.then(() => hasEnded = true);
  while (!hasEnded) {
    try {
      return (await Deno.connect({ port, hostname: "127.0.0.1" })).close();
    } catch {
      await delay(20);
    }
  }
  await program.listening;
}

export async function run(command: string, args: readonly string[]) {
  const output = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  const text = new TextDecoder();
  return { code: output.code, out: text.decode(output.stdout), err: text.decode(output.stderr) };
}

export async function has(command: string): Promise<boolean> {
  try {
    return (await run(command, ["--version"])).code === 0;
  } catch {
    return false;
  }
}

/** Runs an example to its end. */
export function example(name: Name, ...flags: string[]) {
  const main = new URL(`${name}/main.ts`, import.meta.url).href;
  const args = ["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1,0.0.0.0", main, ...flags];
  return run(Deno.execPath(), args);
}
