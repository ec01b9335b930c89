/**
 * The tree of files that the rules look at.
 * @module
 */
import { posix } from "node:path";
import { type Import, parseSource, type Source } from "./source.ts";

/** The parts of a `deno.json` that the rules read. */
interface Config {
  readonly name?: string;
  readonly publish?: unknown;
  readonly exports?: string | Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
  readonly workspace?: readonly string[];
}

/** A member of the workspace; the root is one, with an empty folder. */
export interface Member {
  readonly folder: string;
  readonly config: Config;
  /** Whether it is a package for others. */
  readonly isPublished: boolean;
  /** From entry to file, as in `./kit-error` to `endpoint/kit_error.ts`. */
  readonly entries: ReadonlyMap<string, string>;
}

/** The tree of files. */
export class Project {
  readonly members: readonly Member[];
  readonly #sources = new Map<string, Source>();

  /**
   * Creates a project.
   * @param files From path, below the root, to text.
   */
  constructor(readonly files: ReadonlyMap<string, string>) {
    const { workspace = [] } = readConfig(files, "");
    const folders = workspace.map((folder) => posix.normalize(folder));
    this.members = ["", ...folders].map((folder) => readMember(files, folder));
  }

  /** The paths of the TypeScript files. */
  get modules(): readonly string[] {
    return [...this.files.keys()].filter((path) => path.endsWith(".ts"));
  }

  memberOf(path: string): Member {
    const inFolder = ({ folder }: Member) => folder !== "" && path.startsWith(`${folder}/`);
    return this.members.find(inFolder) ?? this.members[0]!;
  }

  source(path: string): Source {
    const source = this.#sources.get(path) ?? parseSource(this.files.get(path)!);
    this.#sources.set(path, source);
    return source;
  }

  /** The file that an import leads to, or `undefined` when that is not one of the project. */
  resolve(from: string, { specifier }: Import): string | undefined {
    if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
    for (const { config: { name }, entries } of this.members) {
      if (name === undefined) continue;
      if (specifier === name) return entries.get(".");
      if (specifier.startsWith(`${name}/`)) return entries.get(`.${specifier.slice(name.length)}`);
    }
    return undefined;
  }
}

function readConfig(files: ReadonlyMap<string, string>, folder: string): Config {
  return JSON.parse(files.get(posix.join(folder, "deno.json")) ?? "{}");
}

function readMember(files: ReadonlyMap<string, string>, folder: string): Member {
  const config = readConfig(files, folder);
  const { exports = {} } = config;
  const list = Object.entries(typeof exports === "string" ? { ".": exports } : exports);
  return {
    folder,
    config,
    isPublished: config.name !== undefined && config.publish !== false,
    entries: new Map(list.map(([entry, file]) => [entry, posix.join(folder, file)])),
  };
}

/** Whether a file is a test, a benchmark, or there for one: `_x_testing.ts`, `testdata`. */
export function isTest(path: string): boolean {
  return /_(?:test|bench)\.ts$|(?:^|\/)(?:_\w*_testing\.ts$|testdata\/)/.test(path);
}

/** Whether a file is for users: it is no test and neither it nor a folder of it begins with `_`. */
export function isPublic(path: string): boolean {
  return !isTest(path) && !/(?:^|\/)[_.]|^bench\//.test(path);
}

/** Reads the project in the current folder: what git tracks and what it does not ignore. */
export async function readProject(): Promise<Project> {
  const { stdout, success } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot list the files of the project as git failed");
  const files = new Map<string, string>();
  for (const path of new TextDecoder().decode(stdout).split("\0").filter(Boolean).sort()) {
    const text = await readText(path);
    if (text !== undefined && !text.includes("\0")) files.set(path, text);
  }
  return new Project(files);
}

/** The text of a file, or `undefined` when it was deleted and git does not know yet. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
