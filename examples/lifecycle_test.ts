/** How the programs begin and end. */
import assert from "node:assert/strict";
import { example, NAMES, type Running, running } from "./_programs_testing.ts";

/** Begins a request of which the rest is to come; resolves once the program waits for that. */
async function begin(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  const head = "POST /uppercase HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n";
  await connection.write(new TextEncoder().encode(`${head}Expect: 100-continue\r\n\r\n`));
  const buffer = new Uint8Array(100);
  const size = await connection.read(buffer);
  assert.equal(
    new TextDecoder().decode(buffer.subarray(0, size!)),
    "HTTP/1.1 100 Continue\r\n\r\n",
  );
  return connection;
}

/** Waits until a program that was told to stop refuses calls. */
async function isStopping({ port }: Running): Promise<void> {
  for (let status = 0; status !== 503;) {
    const response = await fetch(`http://127.0.0.1:${port}/count`, { method: "POST", body: "{}" });
    status = response.status;
    await response.body?.cancel();
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`stringsvc2 ends with code 0 on ${signal} while a client stalls`, async () => { // P10, S6
    await using program = await running("stringsvc2");
    using _stalled = await begin(program.port);
    const url = `http://127.0.0.1:${program.port}/uppercase`;
    await (await fetch(url, { method: "POST", body: `{"s":"last"}` })).text();
    const begunAt = performance.now();
    program.kill(signal);
    const { code } = await program.status;
    const tookMs = performance.now() - begunAt;
    assert.equal(code, 0);
    assert(tookMs > 1000 && tookMs < 2000 + 1000, `took ${tookMs} ms`);
    assert.match(program.lines.at(-1)!, /^method=uppercase input=last output=LAST /); // G4
  });
}

Deno.test("stringsvc2 ends at once on a second signal", async () => { // G3
  await using program = await running("stringsvc2");
  using _stalled = await begin(program.port);
  program.kill("SIGTERM");
  await isStopping(program);
  const begunAt = performance.now();
  program.kill("SIGTERM");
  assert.equal((await program.status).code, 0);
  const tookMs = performance.now() - begunAt;
  assert(tookMs < 1500, `took ${tookMs} ms`);
});

Deno.test("stringsvc2 finishes what is under way when it is stopped", async () => { // G1
  await using program = await running("stringsvc2");
  using connection = await begin(program.port);
  program.kill("SIGTERM");
  await isStopping(program);
  await connection.write(new TextEncoder().encode(`{"s":"a"}`));
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1.1 200 [^]*\{"v":"A","err":null\}\n$/);
  assert.equal((await program.status).code, 0);
});

for (const name of NAMES) {
  Deno.test(`${name} ends with code 1 and one line when the port is in use`, async () => {
    using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const listen = `127.0.0.1:${listener.addr.port}`;
    const { code, out, err } = await example(name, `--listen=${listen}`);
    assert.deepEqual([code, out], [1, ""]);
    const lines = err.trimEnd().split("\n").filter((line) => !line.includes("proxy_to=none"));
    assert.deepEqual(lines, [`${name}: Cannot listen on "${listen}" as it is in use`]);
  });

  Deno.test(`${name} --help tells its flags`, async () => {
    const { code, out, err } = await example(name, "--help");
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, new RegExp(`^Usage: ${name} \\[flags\\]\\n  --listen=:8080 `));
  });

  Deno.test(`${name} ends with code 2 and its usage on an unknown flag`, async () => {
    const { code, out, err } = await example(name, "--foo");
    assert.deepEqual([code, out], [2, ""]);
    const [first, second] = err.split("\n");
    assert.equal(first, `${name}: Unknown option '--foo'`);
    assert.equal(second, `Usage: ${name} [flags]`);
  });
}

for (
  const [flag, says] of [
    ["--listen=nowhere", 'the address must be ":port" or "host:port": current value is "nowhere"'],
    ["--proxy=nowhere", 'it is not "host:port": current value is "nowhere"'],
    [
      "--proxy=http://me:hunter2@a:1",
      'must not hold credentials: current value is "http://***@a:1"',
    ],
  ] as const
) {
  Deno.test(`stringsvc3 ends with code 2 and one line on ${flag}`, async () => {
    const { code, out, err } = await example("stringsvc3", flag);
    assert.deepEqual([code, out], [2, ""]);
    assert.equal(err.trimEnd().split("\n").length, 1);
    assert(err.startsWith(`stringsvc3: ${flag.slice(0, 7)}`) && err.includes(says), err);
  });
}
