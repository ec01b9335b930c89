import assert from "node:assert/strict";
import { Project } from "./project.ts";
import { longFiles, RULES } from "./rules.ts";

/** A tree in which no rule finds a problem. */
const GOOD: Readonly<Record<string, string>> = {
  "deno.json": `{
    "name": "@kit/kit",
    "exports": { ".": "./mod.ts" },
    "workspace": ["./endpoint", "./log", "./metrics", "./middleware", "./transport", "./examples"],
    "imports": { "fast-check": "npm:fast-check@4.10.2", "prom-client": "npm:prom-client@15.1.3" }
  }`,
  "LICENSE": "MIT",
  "README.md": "# Kit\n".repeat(100),
  "mod.ts": '/**\n * Kit.\n * @module\n */\nexport * from "@kit/endpoint";\n',
  "examples/deno.json": '{ "publish": false }',
  "examples/main.ts": 'import { apply } from "@kit/endpoint";\nimport "@kit/middleware";\n',
  ...member("endpoint", {
    ".": "./mod.ts",
    "./kit-error": "./kit_error.ts",
    "./testing": "./testing.ts",
  }),
  "endpoint/kit_error.ts": `/**
 * Errors.
 * @module
 */
import { now } from "./_runtime.ts";
/**
 * Fails.
 * @example Usage
 * \`\`\`ts
 * assert.equal(1, 1);
 * \`\`\`
 */
export const at: number = now; // not Deno's
`,
  "endpoint/_runtime.ts": "export const now = Deno.pid;\n",
  "endpoint/testing.ts": "/** @module */\nexport const clock = 1;\n",
  "endpoint/kit_error_test.ts": 'import fc from "fast-check";\nDeno.test("a", () => {});\n',
  ...member("log", { ".": "./mod.ts" }),
  "log/_x_testing.ts": "Deno.exit();\n",
  "log/testdata/a.ts": "Deno.exit();\n",
  "log/log_test.ts": 'import { clock } from "@kit/endpoint/testing";\n',
  "transport/http/a_integration_test.ts": 'import "../../log/testdata/a.ts";\n',
  ...member("metrics", { ".": "./mod.ts", "./prometheus": "./prometheus.ts" }),
  "metrics/prometheus.ts": '/** @module */\nimport client from "prom-client";\n',
  ...member("middleware", { ".": "./mod.ts" }),
  "middleware/_a.ts": 'import { at } from "@kit/endpoint/kit-error";\nimport "./_b.ts";\n',
  "middleware/_b.ts": 'import type { A } from "./_a.ts";\nimport "node:path";\n',
  ...member("transport", { ".": "./mod.ts", "./http": "./http/mod.ts" }),
  "transport/http/mod.ts": '/** @module */\nexport {\n  type A,\n  b,\n} from "./_b.ts";\n',
};

function member(folder: string, exports: Record<string, string>): Record<string, string> {
  return {
    [`${folder}/deno.json`]: JSON.stringify({ name: `@kit/${folder}`, exports }),
    [`${folder}/mod.ts`]: '/** @module */\nexport * from "node:path";\n',
    [`${folder}/LICENSE`]: "MIT",
    [`${folder}/README.md`]: "# It\n".repeat(40),
  };
}

const doc = "/** @module */\n";

/** What all rules say about the good tree with some files changed, or taken away. */
function problems(changes: Readonly<Record<string, string | undefined>>): string[] {
  const files = new Map(Object.entries(GOOD));
  for (const [path, text] of Object.entries(changes)) {
    if (text === undefined) files.delete(path);
    else files.set(path, text);
  }
  const project = new Project(files);
  return Object.entries(RULES).flatMap(([name, rule]) =>
    [...rule(project)].map((problem) => `${name}: ${problem}`)
  );
}

Deno.test("the rules accept a tree that is in order", () => {
  assert.deepEqual(problems({}), []);
});

const host = ["jsr", "io"].join(".");
const home = ["", "root", ""].join("/");
/** What is changed, and the one problem that this must make. */
const CASES: readonly [Readonly<Record<string, string | undefined>>, string][] = [
  [
    { "log/_a.ts": 'import { at } from "@kit/endpoint";\n' },
    'arrows: log/_a.ts: imports "@kit/endpoint", but log may import no other package',
  ],
  [
    { "middleware/_a.ts": 'import type { A } from "@kit/transport/http";\n' },
    'arrows: middleware/_a.ts: imports "@kit/transport/http", but middleware may import endpoint, log, metrics',
  ],
  [
    { "log/log_test.ts": 'import { at } from "@kit/endpoint";\n' },
    'arrows: log/log_test.ts: imports "@kit/endpoint", but log may import no other package',
  ],
  [
    { "log/_a.ts": 'const a = () => import("@kit/endpoint/testing");\n' },
    'arrows: log/_a.ts: imports "@kit/endpoint/testing", but log may import no other package',
  ],
  [
    { "middleware/_a.ts": 'import { at } from "../endpoint/kit_error.ts";\n' },
    'arrows: middleware/_a.ts: imports "../endpoint/kit_error.ts", which is in another package: use its name',
  ],
  [
    { "middleware/a_test.ts": 'import { at } from "../endpoint/kit_error.ts";\n' },
    'arrows: middleware/a_test.ts: imports "../endpoint/kit_error.ts", which is in another package: use its name',
  ],
  [
    { "log/_a.ts": 'import client from "prom-client";\n' },
    'coreDependencies: log/_a.ts: imports "prom-client", but the core has no dependency',
  ],
  [
    { "middleware/_a.ts": 'import { a } from "@kit/metrics/prometheus";\n' },
    'coreDependencies: middleware/_a.ts: imports "@kit/metrics/prometheus", but the core has no dependency',
  ],
  [
    { "log/_a.ts": "export const pid = globalThis.Deno?.pid;\n" },
    "coreRuntime: log/_a.ts: uses Deno, but the core does so in _runtime.ts only",
  ],
  [
    { "log/sub/_runtime.ts": "" },
    "seams: log/sub/_runtime.ts: a package, and a folder of transport, has one seam, at its top",
  ],
  [
    { "middleware/_b.ts": 'import { A } from "./_a.ts";\n' },
    "cycles: middleware/_a.ts -> middleware/_b.ts -> middleware/_a.ts: is a cycle",
  ],
  [
    { "examples/main.ts": 'import { a } from "jsr:@a/b@1.2.3";\n' },
    'specifiers: examples/main.ts: "jsr:@a/b@1.2.3" cannot be had everywhere',
  ],
  [
    { "examples/deno.json": '{ "imports": { "a": "npm:@a/b@^1.2.3" }, "publish": false }' },
    'specifiers: examples/deno.json: "npm:@a/b@^1.2.3" needs an exact version',
  ],
  [{ "log/a_b.ts": doc }, "entries: log/a_b.ts: is not in the exports of log/deno.json"],
  [
    { "transport/http/a.ts": doc },
    "entries: transport/http/a.ts: is not in the exports of transport/deno.json",
  ],
  [
    { "metrics/prometheus.ts": undefined },
    'entries: metrics/deno.json: "./prometheus" leads to no file',
  ],
  [
    {
      ...member("log", { ".": "./mod.ts", "./a-b": "./a_b.ts", "./aB": "./a_b.ts" }),
      "log/a_b.ts": doc,
    },
    'entries: log/deno.json: "./aB" should be "./a-b"',
  ],
  [
    { ...member("log", { ".": "./mod.ts", "./-a": "./_a.ts" }), "log/_a.ts": doc },
    'entries: log/deno.json: "./-a" leads to a private file',
  ],
  [
    { "endpoint/testing.ts": "/** @module\n */\n".replace("@module", "Nothing.") },
    "moduleDocs: endpoint/testing.ts: begins with no @module doc",
  ],
  [
    {
      "endpoint/_a.ts":
        '/**\n * @example Checks\n * ```ts\n * import { c } from "@kit/log/testing";\n * ```\n * @example Loud\n * ```ts\n * f();\n * ```\n */\n',
    },
    'examples: endpoint/_a.ts: example "Loud" asserts nothing',
  ],
  [
    { "log/mod.ts": `${doc}export * from "./a.ts";\nexport const b = 1;\n` },
    "modFiles: log/mod.ts: does more than re-export",
  ],
  [{ "log/LICENSE": undefined }, "readmes: log/LICENSE: is missing"],
  [{ "log/README.md": undefined }, "readmes: log/README.md: is missing"],
  [{ "log/README.md": "# It\n".repeat(41) }, "readmes: log/README.md: has 41 lines, over 40"],
  [
    { "transport/http/README.md": "# It\n".repeat(41) },
    "readmes: transport/http/README.md: has 41 lines, over 40",
  ],
  [{ "deno.lock": `{ "${host}": 1 }` }, `places: deno.lock: names the package host ${host}`],
  [{ ".ci/run": `cd ${home}x` }, `places: .ci/run: names a folder of one machine, ${home}`],
];

for (const [changes, problem] of CASES) {
  Deno.test(`the rules report "${problem}"`, () => {
    assert.deepEqual(problems(changes), [problem]);
  });
}

Deno.test("every rule has a case that it reports", () => {
  const shown = new Set(CASES.map(([, problem]) => problem.split(":")[0]));
  assert.deepEqual([...shown].sort(), Object.keys(RULES).sort());
});

Deno.test("longFiles() lists files of more than 300 lines", () => {
  const files = new Map([["deno.json", "{}"], ["a.ts", "a\n".repeat(301)], [
    "b.ts",
    "b\n".repeat(300),
  ]]);
  assert.deepEqual([...longFiles(new Project(files))], ["a.ts: has 301 lines, over 300"]);
});
