import assert from "node:assert/strict";

/** Runs `work` 20 times `calls` times in a process of its own, and tells how its heap grew. */
async function heapOf(calls: number, work: string): Promise<{ slope: number; growth: number }> {
  const module = new URL("./mod.ts", import.meta.url).href;
  const program = `
    import * as kit from ${JSON.stringify(module)};
    const { background, withTimeout, withSignal, whenDone, delay, systemClock } = kit;
    const heap = () => (gc(), gc(), Deno.memoryUsage().heapUsed);
    const forever = new AbortController().signal;
    async function work(calls) { for (let i = 0; i < calls; i++) { ${work} } }
    await work(${calls});
    const samples = [];
    for (let i = 0; i < 20; i++) {
      await work(${calls});
      await new Promise((resolve) => setTimeout(resolve));
      samples.push(heap());
    }
    console.log(JSON.stringify(samples));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--v8-flags=--expose-gc", program],
  }).output();
  const samples: number[] = JSON.parse(
    new TextDecoder().decode(stdout) || `"${new TextDecoder().decode(stderr)}"`,
  );
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((a, b) => a + b) / samples.length;
  const slope = samples.reduce((sum, heap, i) => sum + (i - middle) * (heap - mean), 0) /
    samples.reduce((sum, _, i) => sum + (i - middle) ** 2, 0) / calls;
  return { slope, growth: samples.at(-1)! - samples[0]! };
}

const works = {
  // R4: one never-aborted signal under a million calls
  "contexts under one signal that is never aborted": `
    using outer = withTimeout(withSignal(background(), forever), 60_000);
    using ctx = withSignal(outer, forever);
    ctx.signal.addEventListener("abort", () => {});`,
  "a pause that is aborted": `
    const controller = new AbortController();
    const pause = delay(60_000, { signal: controller.signal }).catch(() => {});
    controller.abort("enough");
    await pause;
    if (i % 1000 === 0) await delay(0, { signal: forever });`,
  "a watched stream": `
    async function* items() { yield 1; yield 2; }
    for await (const _ of await whenDone(Promise.resolve(items()), () => {})) break;`,
};
for (const [name, work] of Object.entries(works)) {
  // R3, P18: a million calls in 20 samples, at most 2 bytes a call and 2 MB in all
  Deno.test(`a million calls leave nothing on the heap of ${name}`, async () => {
    const { slope, growth } = await heapOf(50_000, work);
    assert(slope <= 2, `${slope} bytes a call`);
    assert(growth <= 2_000_000, `${growth} bytes`);
  });
}

// R1: the measure above finds a leak where there is one
Deno.test("a thousand calls of AbortSignal.any on one signal are seen to leak", async () => {
  const { slope } = await heapOf(
    1000,
    `AbortSignal.any([forever, new AbortController().signal]).addEventListener("abort", () => {});`,
  );
  assert(slope > 100, `${slope} bytes a call`);
});
