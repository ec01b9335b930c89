/**
 * What the gate holds the tree to, beyond what Deno's own tools check.
 *
 * A rule looks at the project and tells what breaks it, as `path: what is wrong`.
 * @module
 */
import { posix } from "node:path";
import { isPublic, isTest, type Project } from "./project.ts";

/** A rule: the problems it finds. */
export type Rule = (project: Project) => Iterable<string>;

/** Which packages a package may import. Folders that are not listed may import all. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  endpoint: [],
  log: [],
  metrics: [],
  middleware: ["endpoint", "log", "metrics"],
  transport: ["endpoint"],
  sd: ["endpoint"],
  lb: ["endpoint", "sd"],
};

/** The files of the packages that may use npm packages and the API of one runtime. */
const ADAPTERS = [
  /^metrics\/_?(?:prom|open_metrics)/,
  /^sd\/_?(?:consul|etcd|zookeeper|dns|file)/,
  /^transport\/(?!http\/|jsonrpc\/)[^/]+\//,
];

/** Whether a file has to run everywhere and without any dependency. */
export function isCore(path: string): boolean {
  const isInPackage = path === "mod.ts" || path.split("/")[0]! in ARROWS;
  return isInPackage && !isTest(path) && !ADAPTERS.some((adapter) => adapter.test(path));
}

function* importsOf(project: Project) {
  for (const path of project.modules) {
    for (const found of project.source(path).imports) {
      yield { path, found, target: project.resolve(path, found) };
    }
  }
}

function* arrows(project: Project): Iterable<string> {
  for (const { path, found: { specifier }, target } of importsOf(project)) {
    const from = project.memberOf(path);
    const to = target === undefined ? undefined : project.memberOf(target);
    if (to === from || to === undefined) continue;
    // Neither is published, so that no package depends on another by it.
    if (isTest(path) && isTest(target!)) continue;
    if (specifier.startsWith(".")) {
      yield `${path}: imports "${specifier}", which is in another package: use its name`;
    }
    const allowed = ARROWS[from.folder];
    const isForTest = isTest(path) && specifier.endsWith("/testing");
    if (allowed !== undefined && !allowed.includes(to.folder) && !isForTest) {
      yield `${path}: imports "${specifier}", but ${from.folder} may import ${
        allowed.join(", ") || "no other package"
      }`;
    }
  }
}

function* coreDependencies(project: Project): Iterable<string> {
  for (const { path, found: { specifier }, target } of importsOf(project)) {
    const isAllowed = target === undefined
      ? /^(?:node:|@kit\/|\.)/.test(specifier)
      : isCore(target);
    if (isCore(path) && !isAllowed) {
      yield `${path}: imports "${specifier}", but the core has no dependency`;
    }
  }
}

function* coreRuntime(project: Project): Iterable<string> {
  for (const path of project.modules) {
    if (!isCore(path) || posix.basename(path) === "_runtime.ts") continue;
    if (/\bDeno\b/.test(project.source(path).code)) {
      yield `${path}: uses Deno, but the core does so in _runtime.ts only`;
    }
  }
}

function* seams(project: Project): Iterable<string> {
  for (const path of project.modules.filter((path) => posix.basename(path) === "_runtime.ts")) {
    if (/^(?:[a-z]+|transport\/[a-z]+)\/_runtime\.ts$/.test(path)) continue;
    yield `${path}: a package, and a folder of transport, has one seam, at its top`;
  }
}

function* cycles(project: Project): Iterable<string> {
  const done = new Set<string>();
  const path: string[] = [];
  function* visit(file: string): Iterable<string> {
    if (path.includes(file)) {
      yield `${[...path.slice(path.indexOf(file)), file].join(" -> ")}: is a cycle`;
    }
    if (done.has(file) || !project.files.has(file)) return;
    done.add(file);
    path.push(file);
    for (const found of project.source(file).imports) {
      const target = project.resolve(file, found);
      if (found.kind === "value" && target?.endsWith(".ts")) yield* visit(target);
    }
    path.pop();
  }
  for (const file of project.modules) yield* visit(file);
}

function* specifiers(project: Project): Iterable<string> {
  const all: [string, string][] = [];
  for (const { path, found } of importsOf(project)) all.push([path, found.specifier]);
  for (const { folder, config } of project.members) {
    for (const specifier of Object.values(config.imports ?? {})) {
      all.push([posix.join(folder, "deno.json"), specifier]);
    }
  }
  for (const [path, specifier] of all) {
    if (specifier.startsWith("jsr:")) yield `${path}: "${specifier}" cannot be had everywhere`;
    const isPinned = /^npm:(?:@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+[^/]*(?:\/|$)/.test(specifier);
    if (specifier.startsWith("npm:") && !isPinned) {
      yield `${path}: "${specifier}" needs an exact version`;
    }
  }
}

function* entries(project: Project): Iterable<string> {
  for (const { folder, isPublished, entries } of project.members) {
    if (!isPublished) continue;
    const config = posix.join(folder, "deno.json");
    for (const [entry, file] of entries) {
      if (!project.files.has(file)) yield `${config}: "${entry}" leads to no file`;
      else if (entry !== entryOf(folder, file)) {
        yield `${config}: "${entry}" should be "${entryOf(folder, file)}"`;
      } else if (!isPublic(file)) yield `${config}: "${entry}" leads to a private file`;
    }
  }
  for (const path of project.modules.filter(isPublic)) {
    const { folder, isPublished, entries } = project.memberOf(path);
    if (isPublished && !entries.has(entryOf(folder, path))) {
      yield `${path}: is not in the exports of ${posix.join(folder, "deno.json")}`;
    }
  }
}

/** The entry that a file should have: `./kit-error` for `endpoint/kit_error.ts`. */
function entryOf(folder: string, file: string): string {
  const name = posix.relative(folder, file).replace(/\.ts$/, "").replaceAll("_", "-");
  return name === "mod" ? "." : `./${name.replace(/\/mod$/, "")}`;
}

function* moduleDocs(project: Project): Iterable<string> {
  for (const { isPublished, entries } of project.members) {
    for (const file of isPublished ? entries.values() : []) {
      const text = project.files.get(file);
      if (text === undefined) continue;
      const first = /^\s*\/\*\*[^]*?\*\//.exec(text)?.[0];
      if (!first?.includes("@module")) yield `${file}: begins with no @module doc`;
    }
  }
}

/** An example asserts, or it runs checks of a testing entry, which assert themselves. */
const ASSERTS = /\bassert\b|from "[^"]+\/testing"/;

function* examples(project: Project): Iterable<string> {
  for (const path of project.modules) {
    for (const doc of project.source(path).docs) {
      for (const part of doc.split("@example").slice(1)) {
        const title = part.slice(0, part.indexOf("\n")).trim();
        const fence = part.split("```")[1];
        if (fence === undefined || !ASSERTS.test(fence)) {
          yield `${path}: example "${title}" asserts nothing`;
        }
      }
    }
  }
}

function* modFiles(project: Project): Iterable<string> {
  for (const path of project.modules.filter((path) => posix.basename(path) === "mod.ts")) {
    const rest = project.source(path).code
      .replaceAll(/^export\s[^;"]*\sfrom\s*" *";?/gm, "");
    if (rest.trim() !== "") yield `${path}: does more than re-export`;
  }
}

const README_LINES = 40;

function* readmes(project: Project): Iterable<string> {
  for (const { folder, isPublished } of project.members) {
    if (!isPublished) continue;
    for (const file of ["LICENSE", "README.md"]) {
      const path = posix.join(folder, file);
      if (!project.files.has(path)) yield `${path}: is missing`;
    }
  }
  for (const [path, text] of project.files) {
    const isInPackage = path.split("/")[0]! in ARROWS && posix.basename(path) === "README.md";
    const lines = text.trimEnd().split("\n").length;
    if (isInPackage && lines > README_LINES) yield `${path}: has ${lines} lines, over 40`;
  }
}

/** Hosts of packages, named so that this file passes too. */
const REGISTRIES =
  /\b(?:jsr|npmjs|yarnpkg|pypi|pythonhosted|crates|maven)\.(?:io|org|com)\b|\b(?:proxy\.golang|deb\.debian)\.|\bdeno\.land\/(?:x|std)/;
/** Folders of the machine that it was written on. */
const MACHINE = /(?:^|[\s"'`(=:])(?:file:\/\/)?\/(?:work|root)\/|\/home\/[a-z]+\//m;

function* places(project: Project): Iterable<string> {
  for (const [path, text] of project.files) {
    const [registry] = REGISTRIES.exec(text) ?? [];
    if (registry !== undefined) yield `${path}: names the package host ${registry}`;
    const [place] = MACHINE.exec(text) ?? [];
    if (place !== undefined) yield `${path}: names a folder of one machine, ${place.trim()}`;
  }
}

/** The rules, by name. */
export const RULES: Readonly<Record<string, Rule>> = {
  arrows,
  coreDependencies,
  coreRuntime,
  seams,
  cycles,
  specifiers,
  entries,
  moduleDocs,
  examples,
  modFiles,
  readmes,
  places,
};

const LONG_LINES = 300;

/** Lists the files that should be split; it is advice, not a rule. */
export function* longFiles(project: Project): Iterable<string> {
  for (const path of project.modules) {
    const lines = project.files.get(path)!.trimEnd().split("\n").length;
    if (lines > LONG_LINES) yield `${path}: has ${lines} lines, over ${LONG_LINES}`;
  }
}
