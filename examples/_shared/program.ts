/**
 * Starts an example as a process of its own.
 * @module
 */
import { delay } from "@kit/endpoint";

/** An example that runs. */
export interface Program {
  /** Resolves to the address that it listens on; rejects if it ends before. */
  readonly listening: Promise<string>;
  /** Resolves when it has ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** What it has written to its standard error so far. */
  readonly lines: readonly string[];
  /** Sends it a signal; does nothing once it has ended. */
  kill(signal: Deno.Signal): void;
  /** Waits until it has written nothing for a moment: the lines of what is over are there then. */
  quiet(): Promise<void>;
}

/** Logs are written in batches, with at most this much between two. */
const QUIET_MS = 100;

/**
 * Starts an example, with no permission but for the network of this machine.
 * @param name Its folder.
 * @param flags Its flags.
 * @param onLine Is told each line that it writes to its standard error.
 */
export function start(
  name: string,
  flags: readonly string[],
  onLine: (line: string) => void = () => {},
): Program {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt"],
      "--allow-net=127.0.0.1,localhost",
      ...["--allow-read", "--allow-env=LOG_TOKENS,LOG_STREAM"], // for a file of instances
      new URL(`../${name}/main.ts`, import.meta.url).href,
      ...flags,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  let hasEnded = false;
  let writtenAt = performance.now();

  async function read(): Promise<void> {
    const text = child.stderr.pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const chunk of text) {
      writtenAt = performance.now();
      const parts = `${rest}${chunk}`.split("\n");
      rest = parts.pop()!;
      for (const line of parts) {
        lines.push(line);
        onLine(line);
        const address = /\bmsg=HTTP addr=(\S+)/.exec(line)?.[1];
        if (address !== undefined) resolve(address);
      }
    }
  }

  const status = Promise.all([child.status, read()]).then(([status]) => {
    hasEnded = true;
    reject(new Error(`${name} ended with code ${status.code}: ${lines.at(-1) ?? "no word"}`));
    return status;
  });
  listening.catch(() => {}); // told to who waits for it

  return {
    listening,
    status,
    lines,
    kill(signal) {
      try {
        if (!hasEnded) child.kill(signal);
      } catch {
        // it has ended just now
      }
    },
    async quiet() {
      for (;;) {
        const waitMs = writtenAt + QUIET_MS - performance.now();
        if (waitMs <= 0 || hasEnded) return;
        await delay(waitMs);
      }
    },
  };
}

/**
 * Finds ports that are free, the lowest first. They are none of those that the system gives to
 * outgoing connections: who tries again and again to connect to such a one may get itself.
 */
export function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.add(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return [...ports].sort((a, b) => a - b);
}
