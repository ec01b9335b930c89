/**
 * Holds the tree to the rules of `rules.ts`: `deno run -A _tools/check.ts` in the root. It prints
 * what breaks them and exits with 1 if anything does.
 * @module
 */
// deno-lint-ignore-file no-console
import { readProject } from "./project.ts";
import { longFiles, RULES } from "./rules.ts";

const project = await readProject();
let count = 0;
for (const [name, rule] of Object.entries(RULES)) {
  for (const problem of rule(project)) {
    console.log(`${problem} [${name}]`);
    count++;
  }
}
for (const advice of longFiles(project)) console.log(`warning: ${advice}`);
console.log(
  `${project.files.size} files, ${Object.keys(RULES).length} rules, ${count} problems`,
);
if (count > 0) Deno.exit(1);
