import assert from "node:assert/strict";
import { systemClock } from "./clock.ts";

/** Runs a program that imports the clock, and tells how long it lived and what it wrote. */
async function run(program: string): Promise<{ ms: number; out: string; code: number }> {
  const module = new URL("./clock.ts", import.meta.url).href;
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-config",
      `import { systemClock } from ${JSON.stringify(module)};${program}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const out = decoder.decode(stdout) + decoder.decode(stderr);
  return { ms: performance.now() - start, out, code };
}

Deno.test("systemClock tells the time of the system, never going back", () => {
  let last = systemClock.now();
  assert(Math.abs(last - Date.now()) < 1000, `${last - Date.now()}`);
  for (let i = 0; i < 1000; i++) {
    const now = systemClock.now();
    assert(now >= last);
    last = now;
  }
});

Deno.test("systemClock calls back once, not early, in the order of due times", async () => {
  const start = performance.now();
  const rang: [string, number][] = [];
  const ring = (name: string) => () => rang.push([name, performance.now() - start]);
  await new Promise<void>((resolve) => {
    systemClock.after(12, () => (ring("12")(), resolve()));
    systemClock.after(5, ring("5"));
    systemClock.after(8, ring("removed"))[Symbol.dispose]();
    systemClock.after(0, ring("0"), { keepAlive: false });
  });
  assert.deepEqual(rang.map(([name]) => name), ["0", "5", "12"]);
  for (const [name, ms] of rang) assert(ms >= Number(name), `${name} at ${ms}`);
});

Deno.test("systemClock holds the process for a timer unless told not to", async () => {
  const held = await run(`systemClock.after(1, () => console.log("rang"));`);
  assert.deepEqual([held.out, held.code], ["rang\n", 0]);
  const free = await run(
    `systemClock.after(60_000, () => console.log("rang"), { keepAlive: false }); console.log("end");`,
  );
  assert.deepEqual([free.out, free.code], ["end\n", 0]);
  assert(free.ms < 30_000, `${free.ms}`);
});

Deno.test("systemClock holds the process as long as one of its timers wants that", async () => {
  const { out, ms } = await run(`
    systemClock.after(60_000, () => console.log("never"), { keepAlive: false });
    const disposed = systemClock.after(60_000, () => console.log("never"));
    systemClock.after(1, () => console.log("loose"), { keepAlive: false });
    systemClock.after(5, () => { console.log("held"); disposed[Symbol.dispose](); });`);
  assert.equal(out, "loose\nheld\n");
  assert(ms < 30_000, `${ms}`);
});

Deno.test("systemClock reports what a callback throws, and still runs the others", async () => {
  const { out, code } = await run(`
    addEventListener("error", (event) => { event.preventDefault(); console.log(event.message); });
    for (const n of [1, 2, 3]) {
      systemClock.after(1, () => { console.log(n); if (n === 1) throw new Error("thrown"); });
    }`);
  assert.equal(out, "1\nUncaught Error: thrown\n2\n3\n");
  assert.equal(code, 0);
});

Deno.test("systemClock starts nothing when it is loaded", async () => {
  assert.equal((await run("")).out, "");
});
