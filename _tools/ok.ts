/**
 * The gate: `deno task ok`. It runs one step after the other, prints a line for each with its time,
 * and stops at the first that fails.
 * @module
 */
// deno-lint-ignore-file no-console
import { readProject } from "./project.ts";

const members = (await readProject()).members.filter(({ isPublished }) => isPublished);
const entries = members.flatMap((member) => [...member.entries.values()]);
const packages = members.flatMap(({ folder }) => folder === "" ? [] : [folder]);

/** Arguments for `deno`, and the folder to run it in. */
type Command = readonly [args: readonly string[], folder?: string];

const DRY_RUN = ["publish", "--dry-run", "--allow-dirty", "--no-check"];

const STEPS: Readonly<Record<string, readonly Command[]>> = {
  format: [[["fmt", "--check"]]],
  lint: [[["lint"]]],
  types: [[["check", "--doc", "."]]],
  // All in one call, or a type from another package counts as private.
  docs: [[["doc", "--lint", ...entries]]],
  structure: [[["run", "--allow-read", "--allow-run=git", "_tools/check.ts"]]],
  tests: [[["task", "test", "--coverage=coverage", "--clean", "--coverage-raw-data-only"]]],
  coverage: [[[
    ...["coverage", "coverage", "--exclude=_testing\\.ts$"],
    `--include=/(?:${packages.join("|")})/`,
  ]]],
  // In each folder: in the root it is the root's own package alone that is looked at.
  publish: members.map(({ folder }) => [DRY_RUN, folder]),
};

/** What is worth a look when a step passes: what was counted, and advice. */
const RESULT = /^(?:ok \|.*|\| All files .*|\d+ files, .*|warning: .*)$/gm;

async function deno([args, folder = ""]: Command): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: `./${folder}`,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  const progress = /^(?:Check|Task) .*\n/gm;
  throw new Error(`${text.decode(stdout)}${text.decode(stderr)}`.replaceAll(progress, ""));
}

const secondsSince = (start: number) => ((performance.now() - start) / 1000).toFixed(1);

const start = performance.now();
for (const [name, commands] of Object.entries(STEPS)) {
  const stepStart = performance.now();
  try {
    const outputs: string[] = [];
    for (const command of commands) outputs.push(await deno(command));
    console.log(`${name.padEnd(9)} ${secondsSince(stepStart).padStart(6)} s`);
    for (const [line] of outputs.join("\n").matchAll(RESULT)) console.log(`  ${line}`);
  } catch (error) {
    console.log((error as Error).message);
    console.log(`${name}: FAILED after ${secondsSince(stepStart)} s`);
    Deno.exit(1);
  }
}
console.log(`all ok in ${secondsSince(start)} s`);
