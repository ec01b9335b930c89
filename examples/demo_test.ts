import assert from "node:assert/strict";
import { run } from "./_programs_testing.ts";

const DEMO = [
  ...["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1,localhost", "--allow-run"],
  new URL("demo.ts", import.meta.url).href,
];

Deno.test("demo kills a service, fails no call and ends with code 0", async () => { // P10, G2
  const { code, out, err } = await run(Deno.execPath(), DEMO);
  assert.deepEqual([code, err], [0, ""], out);
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.at(-1), "demo: 300 calls, 1 of 3 services killed, 0 calls failed");
  assert(lines.includes("exit codes 0, 0, 0"));
  const answered = lines.flatMap((line) => /answered (\d+)/.exec(line)?.[1] ?? []).map(Number);
  assert.equal(answered.length, 3);
  assert(answered.every((count) => count > 0), `${answered}`);
  assert(out.includes(`\n{"v":"FOO","err":null}\n`));
  assert(out.includes(`method=uppercase input=foo output=FOO err=null took=`));
  assert(out.includes(`my_group_string_service_request_count{method="count",error="false"} 1`));
});

Deno.test("demo leaves nothing behind when it is stopped", async () => {
  const demo = new Deno.Command(Deno.execPath(), {
    args: DEMO,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let out = "";
  for await (const chunk of demo.stdout.pipeThrough(new TextDecoderStream())) {
    out += chunk;
    if (out.includes("one of the three is killed")) demo.kill("SIGTERM");
  }
  assert.equal((await demo.status).code, 143);
  const ports = [...out.matchAll(/addr=127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  assert.equal(ports.length, 4);
  for (const port of ports) {
    await assert.rejects(
      Deno.connect({ port, hostname: "127.0.0.1" }),
      Deno.errors.ConnectionRefused,
    );
  }
});
