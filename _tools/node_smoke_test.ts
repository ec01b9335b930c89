import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import { posix } from "node:path";
import { isTest, type Project, readProject } from "./project.ts";
import { isCore } from "./rules.ts";

const PROGRAM = "_tools/testdata/smoke.ts";

function toJs(source: string): string {
  return stripTypeScriptTypes(source, { mode: "transform" as "strip" })
    .replaceAll(/((?:from|import|import\()\s*"\.[^"]*)\.ts"/g, '$1.js"');
}

/** Lays the core out as its users on npm get it: JavaScript in packages with `exports`. */
async function writePackages(project: Project, folder: string): Promise<string[]> {
  const write = async (path: string, text: string) => {
    await Deno.mkdir(posix.dirname(`${folder}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  };
  const specifiers: string[] = [];
  for (const member of project.members) {
    const core = [...member.entries].filter(([, file]) => isCore(file));
    if (!member.isPublished || core.length === 0) continue;
    const js = (file: string) => posix.relative(member.folder, file).replace(/\.ts$/, ".js");
    const { name = "" } = member.config;
    specifiers.push(...core.map(([entry]) => posix.join(name, entry)));
    const exports = Object.fromEntries(core.map(([entry, file]) => [entry, `./${js(file)}`]));
    const home = `node_modules/${name}`;
    await write(`${home}/package.json`, JSON.stringify({ name, type: "module", exports }));
    for (const file of project.modules) {
      if (project.memberOf(file) !== member || !isCore(file) || isTest(file)) continue;
      await write(`${home}/${js(file)}`, toJs(project.files.get(file)!));
    }
  }
  await write("package.json", '{ "type": "module" }');
  await write("smoke.js", toJs(project.files.get(PROGRAM)!));
  return specifiers;
}

async function isThere(runtime: string): Promise<boolean> {
  try {
    await new Deno.Command(runtime, { args: ["--version"], stdout: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

const RUNTIMES = { Node: "node", Bun: Deno.env.get("KIT_BUN") ?? "bun" };
for (const [name, runtime] of Object.entries(RUNTIMES)) {
  const isMissing = !await isThere(runtime);
  Deno.test({
    name: `the core loads and works on ${name}${isMissing ? ` (there is no ${runtime} here)` : ""}`,
    ignore: isMissing,
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        const specifiers = await writePackages(await readProject(), folder);
        const { stdout, stderr } = await new Deno.Command(runtime, {
          args: ["smoke.js", ...specifiers],
          cwd: folder,
        }).output();
        const text = new TextDecoder();
        assert.equal(text.decode(stderr), "");
        assert.equal(text.decode(stdout).trim(), `loaded ${specifiers.length}, works`);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
