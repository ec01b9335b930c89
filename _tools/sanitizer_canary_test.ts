import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };

// PROMISES R1, R2: a suite that would not notice a leak proves nothing about leaks.
Deno.test("deno task test fails a test that leaves something behind, and says where", async () => {
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
  assert.match(text, /\| 0 passed \| 3 failed/);
  assert.match(text, /A timer was started .* never completed[^]*leaks\.ts:5:/);
  assert.match(text, /An async operation to accept .* never completed[^]*leaks\.ts:9:/);
  assert.match(text, /A TCP listener was opened .* not closed/);
});
