import assert from "node:assert/strict";
import { judge, parseJunit, table } from "./interop.ts";

const XML = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4">
  <testsuite name="./t/a/go_integration_test.ts" tests="4">
    <testcase name="client() calls Go&apos;s &lt;server&gt; (x)" classname="./t/a/go_integration_test.ts" time="0.000" line="1" col="1">
    </testcase>
    <testcase name="client() calls twice" classname="./t/a/go_integration_test.ts" time="0.1" line="1" col="1"/>
    <testcase name="server() answers" classname="./t/a/go_integration_test.ts" time="0.1">
      <failure message="no">AssertionError</failure>
    </testcase>
    <testcase name="server() is away" classname="./t/a/go_integration_test.ts" time="0.1"><skipped/></testcase>
  </testsuite>
</testsuites>`;

const ROWS = `
| wire | feature | peer | direction | tests |
| --- | --- | --- | --- | --- |
| A | calls | Go | Kit to Go | t/a/go: \`client() calls\` |
| A | answers | Go | Go to Kit | t/a/go: \`server() answers\` |
| A | is away | Go | Go to Kit | t/a/go: \`server() is away\` |
| A | dreams | Go | Go to Kit | t/a/go: \`dreams\` |
`;

Deno.test("parseJunit() reads names, files and outcomes", () => {
  assert.deepEqual(parseJunit(XML), [
    {
      file: "t/a/go_integration_test.ts",
      name: "client() calls Go's <server> (x)",
      outcome: "passed",
    },
    { file: "t/a/go_integration_test.ts", name: "client() calls twice", outcome: "passed" },
    { file: "t/a/go_integration_test.ts", name: "server() answers", outcome: "failed" },
    { file: "t/a/go_integration_test.ts", name: "server() is away", outcome: "ignored" },
  ]);
});

Deno.test("judge() is content only with tests that ran and passed", () => {
  const rows = judge(ROWS, parseJunit(XML));
  assert.deepEqual(rows.map(({ isGood, result }) => [isGood, result]), [
    [true, "passed (2)"],
    [false, "1 failed, 0 ignored of 1"],
    [false, "0 failed, 1 ignored of 1"],
    [false, "not run"],
  ]);
  assert.equal(
    table(rows.slice(0, 2)),
    "A  calls    Go  Kit to Go  passed (2)\nA  answers  Go  Go to Kit  1 failed, 0 ignored of 1",
  );
});
