import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };

// PROMISES R1, R2: a suite that would not notice a leak proves nothing about leaks.
Deno.test("deno task test fails a test that leaves a timer or a listener behind", async () => {
  // The task's own flags and the project's own config, so that switching either off is seen here.
  const flags = config.tasks.test.split(" ").filter((word) => /^--(?!doc|ignore)/.test(word));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...flags, "--config=deno.json", "--no-lock", "_tools/testdata/leaks.ts"],
    cwd: new URL("..", import.meta.url),
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 1, text);
  assert.match(text, /\| 0 passed \| 2 failed/);
  assert.match(text, /A timer was started in this test, but never completed/);
  assert.match(text, /A TCP listener was opened during the test, but not closed/i);
  // --trace-leaks tells where.
  assert.match(text, /leaks\.ts:3:/);
});
