/**
 * Prints the table of what was proven against programs written by others, with the results of a run:
 * `interop.ts TABLE JUNIT`. It fails if a test that the table names did not run or did not pass.
 *
 * A row of the table ends with the tests that stand for it: how the path of the file begins that calls
 * `Deno.test` for them, a colon, and how their names begin in backquotes.
 * @module
 */
// deno-lint-ignore-file no-console

/** One test of a run. */
export interface TestResult {
  /** Its file, below the folder of the run. */
  readonly file: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "ignored";
}

/** A row of the table, with what came of its tests. */
export interface Row {
  /** The cells before the last. */
  readonly cells: readonly string[];
  readonly file: string;
  readonly prefix: string;
  readonly result: string;
  readonly isGood: boolean;
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

function unescape(text: string): string {
  return text.replace(/&(\w+);/g, (all, name) => ENTITIES[name] ?? all);
}

/** Reads the report of a run, as `deno test --junit-path` writes it. */
export function parseJunit(xml: string): TestResult[] {
  const cases = xml.matchAll(
    /<testcase name="([^"]*)" classname="(?:\.\/)?([^"]*)"[^>]*?(\/>|>([^]*?)<\/testcase>)/g,
  );
  return [...cases].map(([, name, file, , inner = ""]) => ({
    file: unescape(file!),
    name: unescape(name!),
    outcome: /<(?:failure|error)\b/.test(inner)
      ? "failed"
      : inner.includes("<skipped")
      ? "ignored"
      : "passed",
  }));
}

/** Reads the rows of a table in Markdown and looks their tests up. */
export function judge(markdown: string, results: readonly TestResult[]): Row[] {
  const rows: Row[] = [];
  for (const line of markdown.split("\n")) {
    const match = /^\|(.*)\|\s*([\w/.-]+): `([^`]+)`\s*\|\s*$/.exec(line);
    if (match === null) continue;
    const [, cells, path, prefix] = match;
    const file = path!;
    const tests = results.filter((test) =>
      test.file.startsWith(file) && test.name.startsWith(prefix!)
    );
    const count = (outcome: TestResult["outcome"]) =>
      tests.filter((test) => test.outcome === outcome).length;
    const isGood = tests.length > 0 && count("passed") === tests.length;
    rows.push({
      cells: cells!.split("|").map((cell) => cell.trim()),
      file,
      prefix: prefix!,
      isGood,
      result: tests.length === 0
        ? "not run"
        : isGood
        ? `passed (${tests.length})`
        : `${count("failed")} failed, ${count("ignored")} ignored of ${tests.length}`,
    });
  }
  return rows;
}

/** Writes the rows as a table of even columns. */
export function table(rows: readonly Row[]): string {
  const all = rows.map(({ cells, result }) => [...cells, result]);
  const widths = all[0]!.map((_, i) => Math.max(...all.map((cells) => cells[i]?.length ?? 0)));
  return all.map((cells) => cells.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}

if (import.meta.main) {
  const [path = "", junit = ""] = Deno.args;
  const results = parseJunit(await Deno.readTextFile(junit));
  const rows = judge(await Deno.readTextFile(path), results);
  if (rows.length > 0) console.log(table(rows));
  const bad = rows.filter(({ isGood }) => !isGood);
  for (const { file, prefix, result } of bad) console.error(`${file}: "${prefix}" ${result}`);
  if (rows.length === 0) console.error(`${path}: has no rows`);
  Deno.exit(bad.length > 0 || rows.length === 0 ? 1 : 0);
}
