/**
 * The processes that are measured and that measure. None of them outlives the benchmark.
 * @module
 */

/** What to start. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const STOP_MS = 3000;

/** Processes that are running. Disposing them kills what is left. */
export class Processes implements Disposable {
  readonly #running = new Set<Deno.ChildProcess>();

  /** Starts what takes and gives lines of JSON, until its input ends. */
  start(command: Command): Peer {
    return new Peer(this.#spawn(command, "inherit"));
  }

  /** Runs a program to its end, and gives what it printed. */
  async run(command: Command, limitMs: number): Promise<string> {
    const child = this.#spawn(command, "piped");
    const late = setTimeout(() => kill(child), limitMs);
    try {
      await child.stdin.close().catch(() => {});
      const { success, stdout, stderr } = await child.output();
      const decoder = new TextDecoder();
      if (success) return decoder.decode(stdout);
      const why = decoder.decode(stderr).trim() || `no end within ${limitMs} ms`;
      throw new Error(`Cannot run ${command.program}: ${why}`);
    } finally {
      clearTimeout(late);
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) kill(child);
  }

  #spawn({ program, args, env = {} }: Command, stderr: "inherit" | "piped"): Deno.ChildProcess {
    const pipes = { stdin: "piped", stdout: "piped", stderr } as const;
    const child = new Deno.Command(program, { args: [...args], env, ...pipes }).spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }
}

/** A process that is talked to in lines of JSON. */
export class Peer {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
    this.#input = child.stdin.getWriter();
  }

  /** Sends a line. */
  async send(message: unknown): Promise<void> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
  }

  /** Waits for the next line; kills the process if none comes in time. */
  async receive<T>(limitMs: number): Promise<T> {
    const late = setTimeout(() => kill(this.#child), limitMs);
    try {
      const { value } = await this.#lines.next();
      if (value === undefined) throw new Error("Cannot measure as the process has ended");
      return JSON.parse(value);
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends it, and gives the lines that it left. */
  async stop<T>(): Promise<T[]> {
    const late = setTimeout(() => kill(this.#child), STOP_MS);
    try {
      await this.#input.close().catch(() => {});
      const left = [];
      for await (const line of this.#lines) left.push(JSON.parse(line));
      await this.#child.status;
      return left;
    } finally {
      clearTimeout(late);
    }
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
