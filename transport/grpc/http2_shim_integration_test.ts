import assert from "node:assert/strict";

const MAIN = new URL("./testdata/drain_main.ts", import.meta.url).pathname;

/** Drains servers in a process of its own; tells how that ended. */
async function drain(count: number, mode: "kit" | "bare"): Promise<string> {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-A", MAIN, String(count), mode],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (text.decode(stdout) === `drained ${count}\n` && code === 0) return "ok";
  return `${signal ?? code}: ${text.decode(stderr).slice(-500)}`;
}

/** Does some work two at a time. */
async function twoByTwo<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const worker = async () => {
    while (times-- > 0) results.push(await work());
  };
  await Promise.all([worker(), worker()]);
  return results;
}

Deno.test("channel() outlives 1,000 drains of its server in 20 processes", async () => {
  const outcomes = await twoByTwo(20, () => drain(50, "kit"));
  assert.deepEqual(outcomes, Array(20).fill("ok"));
});

// When this fails, Deno has mended https://github.com/denoland/deno/issues/36788: the first remedy
// of `_http2_shim.ts` can go. A run without it dies in half of all cases.
Deno.test("the runtime still dies of a GOAWAY without the remedy", async () => {
  let runs = 0;
  let isDead = false;
  for (; runs < 24 && !isDead; runs++) isDead = /^SIG(?:SEGV|ABRT)/.test(await drain(20, "bare"));
  assert(isDead, `Deno ${Deno.version.deno} has outlived ${runs} runs`);
});
