/**
 * The peers of the integration tests: processes that are talked to in lines of JSON.
 * @module
 */
import { create, toJsonString } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { fileURLToPath } from "node:url";
import { testFile } from "./test_proto.ts";

/** The binary of `grpc-go/`. */
export const GRPC_GO = Deno.env.get("KIT_GRPC_GO");
/** grpcurl. */
export const GRPCURL = Deno.env.get("KIT_GRPCURL");
/** The folder of grpcio. */
export const GRPC_PYTHON = Deno.env.get("KIT_GRPC_PYTHON");

const LIMIT_MS = 30_000;

/** What a program printed, and whether it ended well. */
export interface Ran {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ran> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env,
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Reads lines of JSON. */
export function linesOf<T>(text: string): T[] {
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** A program that prints lines of JSON, until its input ends. */
export class Peer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #lines: unknown[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(program: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  /** Waits for a line that is like this; lines that were given before do not count. */
  async receive<T>(isWanted: (line: T) => boolean = () => true): Promise<T> {
    const end = AbortSignal.timeout(LIMIT_MS);
    const late = Promise.withResolvers<never>();
    const onLate = () => late.reject(new Error("The peer did not print the line in time"));
    end.addEventListener("abort", onLate);
    try {
      for (;;) {
        const found = this.#lines.findIndex((line) => isWanted(line as T));
        if (found >= 0) return this.#lines.splice(found, 1)[0] as T;
        await Promise.race([this.#wake.promise, late.promise]);
      }
    } finally {
      end.removeEventListener("abort", onLate);
    }
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines.map((line) => JSON.parse(line)));
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }

  /** Ends its input, which ends it, and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
    clearTimeout(late);
    await this.#reading;
  }
}

/** A peer that serves. */
export class ServingPeer extends Peer {
  /** Where it listens, once it has started. */
  port = 0;

  /** Starts it and waits for its port. */
  static async start(
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<ServingPeer> {
    const peer = new ServingPeer(program, args, env);
    peer.port = (await peer.receive<{ port?: number }>(({ port }) => port !== undefined)).port!;
    return peer;
  }
}

/** The command of `python/peer.py`; `files` are the descriptors, as JSON. */
export function python(...args: string[]): [string, string[], Record<string, string>] {
  const script = fileURLToPath(new URL("python/peer.py", import.meta.url));
  const env = { PYTHONPATH: GRPC_PYTHON!, PYTHONDONTWRITEBYTECODE: "1" };
  return ["python3", [script, ...args], env];
}

/** Writes the descriptors of the test service to a file for Python. */
async function writeFiles(): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const set = create(FileDescriptorSetSchema, { file: [testFile.proto] });
  await Deno.writeTextFile(path, toJsonString(FileDescriptorSetSchema, set));
  return path;
}

/** A test that needs grpcio; it is given the file of the descriptors. */
export function pythonTest(name: string, fn: (files: string) => Promise<void>): void {
  const ignore = GRPC_PYTHON === undefined;
  Deno.test({
    name: name + (ignore ? " (ignored, as there is no KIT_GRPC_PYTHON)" : ""),
    ignore,
    async fn() {
      const files = await writeFiles();
      try {
        await fn(files);
      } finally {
        await Deno.remove(files);
      }
    },
  });
}
