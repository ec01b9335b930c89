/**
 * What there is to measure with, and the peers made ready.
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Command, Processes } from "./_processes.ts";

/** The versions of what npm has. That of Go kit is in `go/go.mod`. */
export const VERSIONS = { hono: "4.13.19", fastify: "5.12.8", autocannon: "8.0.0" } as const;

/** What a line may need. */
export type Tool = "go" | "node" | "hono" | "fastify";

/** What puts load on a server. */
export type LoadTool = "wrk" | "autocannon";

/** What there is. */
export interface Tools {
  readonly versions: Readonly<Record<string, string>>;
  /** Why a tool is not there. */
  readonly missing: ReadonlyMap<Tool, string>;
  readonly load: LoadTool;
}

/** The path of a file in this folder. */
export function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** The folder that packages for Node are installed into. */
export const NODE = pathOf(".build/node");
/** The binary of `go/`. */
export const GOKIT = pathOf(".build/gokit");

/** The command of a Deno program in this folder. */
export function denoCommand(file: string, args: readonly string[], ...flags: string[]): Command {
  return { program: Deno.execPath(), args: ["run", "--quiet", ...flags, pathOf(file), ...args] };
}

const BUILD_MS = 240_000;

/** Builds what is needed and not there yet. */
export async function prepare(
  processes: Processes,
  needed: ReadonlySet<Tool>,
  load: LoadTool | undefined,
): Promise<Tools> {
  const versions: Record<string, string> = { deno: Deno.version.deno };
  const missing = new Map<Tool, string>();

  function run(program: string, ...args: string[]): Promise<string> {
    return processes.run({ program, args }, BUILD_MS);
  }

  async function install(name: keyof typeof VERSIONS): Promise<void> {
    const version = VERSIONS[name];
    if (await installed(name) !== version) {
      const flags = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
      await run("npm", "install", ...flags, "--prefix", NODE, `${name}@${version}`);
    }
    versions[name] = version;
  }

  const steps: Record<Tool, () => Promise<void>> = {
    go: async () => {
      await run("go", "build", "-C", pathOf("go"), "-buildvcs=false", "-o", GOKIT, ".");
      const built = await run("go", "version", "-m", GOKIT);
      versions["go"] = /: go(\S+)/.exec(built)?.[1] ?? "unknown";
      versions["go-kit"] = /go-kit\/kit\tv(\S+)/.exec(built)?.[1] ?? "unknown";
    },
    node: async () => {
      // Where there is no Node, Deno stands in for it.
      const [, version] = /^v(\d+\.\d+\.\d+)\s*$/.exec(await run("node", "--version")) ?? [];
      if (version === undefined) throw new Deno.errors.NotFound("node");
      versions["node"] = version;
    },
    hono: async () => {
      await run(Deno.execPath(), "cache", "--quiet", "--no-lock", `npm:hono@${VERSIONS.hono}`);
      versions["hono"] = VERSIONS.hono;
    },
    fastify: async () => {
      await steps.node();
      await install("fastify");
    },
  };

  await Deno.mkdir(NODE, { recursive: true });
  for (const tool of needed) {
    try {
      await steps[tool]();
    } catch (error) {
      missing.set(tool, reasonOf(error, tool));
    }
  }
  const found = load ?? (await hasWrk(run) ? "wrk" : "autocannon");
  if (found === "autocannon") {
    await steps.node().then(() => install(found)).catch((cause) => {
      throw new Error("Cannot put load on servers as there is neither wrk nor npm with Node", {
        cause,
      });
    });
  }
  return { versions, missing, load: found };
}

async function installed(name: string): Promise<string | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${NODE}/node_modules/${name}/package.json`)).version;
  } catch {
    return undefined;
  }
}

async function hasWrk(run: (program: string, flag: string) => Promise<string>): Promise<boolean> {
  try {
    await run("wrk", "--version");
    return true;
  } catch (error) {
    // It fails even when it only tells its version.
    return !isMissing(error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}

function reasonOf(error: unknown, tool: Tool): string {
  if (isMissing(error)) return `no ${tool === "fastify" ? "node or npm" : tool}`;
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
