/**
 * The processes that are measured and that measure. None of them outlives the benchmark.
 * @module
 */

/** What to start. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | URL;
}

const START_MS = 15_000;
const STOP_MS = 3000;

/** Processes that are running. Disposing them kills what is left. */
export class Processes implements Disposable {
  readonly #running = new Set<Deno.ChildProcess>();

  /** Starts a server, and waits until it tells its port on the first line that it prints. */
  async start(command: Command): Promise<Server> {
    const child = this.#spawn(command, "inherit");
    const late = setTimeout(() => kill(child), START_MS);
    try {
      const lines = linesOf(child.stdout);
      const { value: first } = await lines.next();
      if (first === undefined) throw new Error("Cannot measure as it did not start");
      return new Server(JSON.parse(first).port, child, lines);
    } catch (error) {
      kill(child);
      throw error;
    } finally {
      clearTimeout(late);
    }
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
      const why = decoder.decode(stderr).trim().split("\n").slice(-5).join("\n");
      throw new Error(`Cannot run ${command.program}: ${why || `no end after ${limitMs} ms`}`);
    } finally {
      clearTimeout(late);
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) kill(child);
  }

  #spawn({ program, args, env = {}, cwd }: Command, stderr: "inherit" | "piped") {
    const child = new Deno.Command(program, {
      args: [...args],
      env,
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "piped",
      stdout: "piped",
      stderr,
    }).spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }
}

/** A server that is listening on 127.0.0.1. */
export class Server {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;

  constructor(readonly port: number, child: Deno.ChildProcess, lines: AsyncGenerator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Ends it, and gives the notes that it left. */
  async stop(): Promise<string[]> {
    const late = setTimeout(() => kill(this.#child), STOP_MS);
    try {
      await this.#child.stdin.close().catch(() => {});
      const notes = [];
      for await (const line of this.#lines) notes.push(JSON.parse(line).note);
      await this.#child.status;
      return notes;
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
