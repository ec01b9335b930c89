/** Runs the string services with real registries between them, which are killed as well. */
import assert from "node:assert/strict";
import { eventually, KINDS, Server } from "./_registries_testing.ts";
import { freePorts, type Program, start } from "./_shared/program.ts";

async function uppercase(address: string, s: string): Promise<{ v: string; err: string | null }> {
  const body = JSON.stringify({ s });
  const response = await fetch(`http://${address}/uppercase`, { method: "POST", body });
  return await response.json();
}

function service(...flags: string[]): Program & { readonly address: string } {
  const address = `127.0.0.1:${freePorts(1)[0]}`;
  return Object.assign(start("stringsvc3", [`--listen=${address}`, ...flags]), { address });
}

/** Stops programs as a user does, and sees them end well. */
async function stop(...programs: Program[]): Promise<void> {
  for (const program of programs) program.kill("SIGTERM");
  for (const program of programs) assert.equal((await program.status).code, 0);
}

for (const { name, setting, command, url } of KINDS) {
  const program = Deno.env.get(setting);
  Deno.test({
    name: `stringsvc3 registers in ${name} and discovers by it, while both lose processes` +
      (program === undefined ? ` (ignored: ${setting} is not set)` : ""),
    ignore: program === undefined,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "kit-registry-" });
      const [port = 0] = freePorts(1);
      await using registry = new Server(port, command(program!, port, folder, []));
      const [one, two] = [service(`--register=${url(port)}`), service(`--register=${url(port)}`)];
      const proxy = service(`--proxy=${url(port)}`);
      const all = [one, two, proxy];
      try {
        await Promise.all(all.map(({ listening }) => listening));
        // The registry comes after those who need it: they have to wait for it, not to give up.
        const early = await uppercase(proxy.address, "early");
        assert.match(early.err!, /No endpoints available/);
        await registry.start();
        await eventually(async () => {
          for (const s of ["foo", "bar", "baz", "qux"]) await uppercase(proxy.address, s);
          return [one, two].every(({ lines }) => lines.some((line) => line.includes("uppercase")));
        });
        one.kill("SIGKILL");
        const answers = ["a", "b", "c", "d"].map((s) => uppercase(proxy.address, s));
        assert.deepEqual((await Promise.all(answers)).map(({ v }) => v), ["A", "B", "C", "D"]);
        const losses = () => proxy.lines.filter((line) => line.includes("state=disconnected"));
        const before = losses().length;
        await registry.kill();
        await eventually(() => losses().length > before);
        for (const s of ["e", "f", "g"]) {
          assert.deepEqual(await uppercase(proxy.address, s), { v: s.toUpperCase(), err: null });
        }
        await registry.start();
        const three = service(`--register=${url(port)}`);
        all.push(three);
        await eventually(async () => {
          const { err } = await uppercase(proxy.address, "again");
          assert.equal(err, null);
          return three.lines.some((line) => line.includes("input=again"));
        });
        await stop(two, three, proxy);
      } finally {
        for (const program of all) program.kill("SIGKILL");
        await Promise.all(all.map(({ status }) => status));
        await registry.kill();
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test("stringsvc3 --proxy=file: follows a list of instances", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kit-registry-" });
  const path = `${folder}/instances.yaml`;
  const [one, two] = [service(), service()];
  await Deno.writeTextFile(path, `- targets: ["${one.address}"]\n`);
  const proxy = service(`--proxy=file:${path}`);
  try {
    await Promise.all([one, two, proxy].map(({ listening }) => listening));
    assert.deepEqual(await uppercase(proxy.address, "foo"), { v: "FOO", err: null });
    await Deno.writeTextFile(path, "- targets: [unfinished");
    assert.deepEqual(await uppercase(proxy.address, "bar"), { v: "BAR", err: null });
    await Deno.writeTextFile(path, `- targets: ["${two.address}"]\n`);
    await eventually(async () => {
      assert.equal((await uppercase(proxy.address, "baz")).v, "BAZ");
      return two.lines.some((line) => line.includes("input=baz"));
    });
    await stop(one, two, proxy);
  } finally {
    for (const program of [one, two, proxy]) program.kill("SIGKILL");
    await Promise.all([one, two, proxy].map(({ status }) => status));
    await Deno.remove(folder, { recursive: true });
  }
});
