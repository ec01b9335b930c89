import assert from "node:assert/strict";

function start(mode: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", new URL("./testdata/child.ts", import.meta.url).pathname, mode],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(20_000), // A program that blocks would wait for ever.
  }).spawn();
}

async function lines(stream: ReadableStream<Uint8Array>): Promise<string[]> {
  return (await new Response(stream).text()).split("\n").slice(0, -1);
}

/**
 * The longest that the loop may stand: the promise, unless the machine has more to do than it can and
 * lets everybody wait. A write that blocks shows as seconds.
 */
function longestMs(): number {
  return Deno.loadavg()[0]! < navigator.hardwareConcurrency ? 50 : 500;
}

// G4, P16: the last lines are there however the process ends
for (
  const [mode, code] of [["end", 0], ["dispose", 0], ["exit", 3], ["throw", 1], [
    "reject",
    1,
  ]] as const
) {
  Deno.test(`stderrSink() writes the last line when the process ends by ${mode}`, async () => {
    const child = start(mode);
    const [out, err] = await Promise.all([lines(child.stdout), lines(child.stderr)]);
    assert.deepEqual([out, err[0]], [[], 'msg="last line"']);
    assert.equal((await child.status).code, code);
  });
}

// P16, V1: PROMISES R6 saw 3.9 s with a plain write
Deno.test("stderrSink() does not block while nobody reads for four seconds", async () => {
  const child = start("busy");
  const out = lines(child.stdout);
  const reader = child.stderr.getReader();
  // Once the pipe is full nothing is read until the four seconds are over.
  const [first, second] = await out.then((lines) => lines.map((line) => JSON.parse(line)));
  assert(first.longest < longestMs(), `the loop stood for ${first.longest} ms`);
  assert(first.dropped > 0);
  assert.equal((await child.status).code, 0);
  // What the pipe took before: whole lines, each of them once and in order.
  const chunks: Uint8Array[] = [];
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    chunks.push(read.value);
  }
  const read = (await new Blob(chunks as BlobPart[]).text()).split("\n").slice(1, -1);
  read.forEach((line, n) => assert(line.startsWith(`n=${n} `), line));
  // A write of a whole batch that stalled counts as dropped, though the pipe has a part of it.
  assert(read.length + second.dropped >= first.count);
  assert(second.dropped <= first.count + 1);
});

// P16: a reader that reads again gets every line, and exactly as many notices as there are drops
Deno.test("stderrSink() accounts for every line when a stalled reader comes back", async () => {
  const child = start("busy");
  const out = lines(child.stdout);
  const text = new TextDecoder();
  let err = "";
  const reader = child.stderr.getReader();
  await new Promise((resolve) => setTimeout(resolve, 2500));
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    err += text.decode(read.value, { stream: true });
  }
  const [first, second] = (await out).map((line) => JSON.parse(line));
  const numbers = err.split("\n").flatMap((line) => /^n=(\d+) /.exec(line)?.[1] ?? []).map(Number);
  const told = err.split("\n").map((line) => Number(/dropped=(\d+)$/.exec(line)?.[1] ?? 0));
  assert(first.longest < longestMs(), `the loop stood for ${first.longest} ms`);
  assert(second.dropped > 0);
  assert.equal(numbers.length + second.dropped, first.count);
  assert.equal(told.reduce((sum, count) => sum + count, 0), second.dropped);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
});

// P16: EPIPE
Deno.test("stderrSink() goes on when its reader is gone", async () => {
  const child = start("gone");
  await child.stderr.cancel();
  assert.deepEqual(await lines(child.stdout), ['{"dropped":11}']);
  assert.equal((await child.status).code, 0);
});
