/** Runs the examples as programs, and holds them to what the tutorial and the wire ask. */
import { delay } from "@kit/endpoint";
import assert from "node:assert/strict";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { freePorts, type Program, start } from "./_shared/program.ts";

const NAMES = ["stringsvc1", "stringsvc2", "stringsvc3"] as const;
type Name = typeof NAMES[number];

/** A program that is killed when the test is over, whatever comes. */
interface Running extends Program, AsyncDisposable {
  readonly port: number;
}

async function running(name: Name, ...flags: string[]): Promise<Running> {
  const [port = 0] = freePorts(1);
  const program = start(name, [`--listen=127.0.0.1:${port}`, ...flags]);
  await isListening(program, port);
  return Object.assign(program, {
    port,
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGKILL");
      await program.status;
    },
  });
}

/** The first example says nothing when it listens, as in the tutorial. */
async function isListening(program: Program, port: number): Promise<void> {
  let hasEnded = false;
  program.status.then(() => hasEnded = true);
  while (!hasEnded) {
    try {
      return (await Deno.connect({ port, hostname: "127.0.0.1" })).close();
    } catch {
      await delay(20);
    }
  }
  await program.listening;
}

async function run(command: string, args: readonly string[]) {
  const output = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  const text = new TextDecoder();
  return { code: output.code, out: text.decode(output.stdout), err: text.decode(output.stderr) };
}

async function has(command: string): Promise<boolean> {
  try {
    return (await run(command, ["--version"])).code === 0;
  } catch {
    return false;
  }
}

/** Runs an example to its end. */
function example(name: Name, ...flags: string[]) {
  const main = new URL(`${name}/main.ts`, import.meta.url).href;
  const args = ["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1,0.0.0.0", main, ...flags];
  return run(Deno.execPath(), args);
}

/** Sends bytes and reads until the other side closes, or for as long as `until` says. */
async function raw(
  port: number,
  bytes: string | Uint8Array,
  until: (text: string) => boolean = () => false,
): Promise<string> {
  using connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  const all = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  for (let sent = 0; sent < all.length;) sent += await connection.write(all.subarray(sent));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  let text = "";
  while (!until(text)) {
    const size = await connection.read(buffer);
    if (size === null) break;
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
  return text;
}

const hasBody = (text: string) => /\r\n\r\n[^]*\}\s*$/.test(text);

/** The log lines of calls, without what differs from run to run. */
function logged(program: Program): string[] {
  return program.lines.map((line) => line.replace(/took=[\d.]+(ns|µs|ms|s)$/, "took="));
}

const CURL = await has("curl");

for (const name of NAMES) {
  Deno.test({
    name: `${name} answers curl to the letter of the tutorial`, // XS1, XS4, XS5
    ignore: !CURL,
    fn: async () => {
      await using program = await running(name);
      const { port } = program;
      const curl = async (path: string, ...args: string[]) =>
        (await run("curl", ["-sS", ...args, `127.0.0.1:${port}${path}`])).out;
      const hello = `-d{"s":"hello, world"}`;
      assert.equal(
        await curl("/uppercase", "-XPOST", hello),
        `{"v":"HELLO, WORLD","err":null}\n`,
      );
      assert.equal(await curl("/count", "-XPOST", hello), `{"v":12}\n`);
      assert.equal(await curl("/uppercase", hello), `{"v":"HELLO, WORLD","err":null}\n`);
      assert.equal(await curl("/uppercase", `-d{"s":""}`), `{"v":"","err":"Empty string"}\n`);
      assert.match(await curl("/uppercase", "-i", `-d{"s":""}`), /^HTTP\/1.1 200 OK\r\n/);
      const metrics = await curl("/metrics");
      program.kill("SIGTERM");
      assert.equal((await program.status).code, 0);
      if (name === "stringsvc1") return assert.deepEqual(program.lines, []);
      assert.match(
        metrics,
        /^my_group_string_service_request_count\{method="uppercase",error="true"\} 2$/m,
      );
      assert.match(metrics, /^my_group_string_service_count_result_sum 12$/m);
      const address = `127.0.0.1:${port}`;
      const start = name === "stringsvc2" ? "" : `listen=${address} caller=FILE `;
      assert.deepEqual(logged(program).map((line) => line.replace(/caller=\S+/, "caller=FILE")), [
        ...(name === "stringsvc3" ? [`${start}proxy_to=none`] : []),
        `${start}msg=HTTP addr=${address}`,
        `${start}method=uppercase input="hello, world" output="HELLO, WORLD" err=null took=`,
        `${start}method=count input="hello, world" n=12 took=`,
        `${start}method=uppercase input="hello, world" output="HELLO, WORLD" err=null took=`,
        `${start}method=uppercase input= output= err="Empty string" took=`,
        `${start}method=uppercase input= output= err="Empty string" took=`,
      ]);
    },
  });
}

const MIB = 1024 * 1024;
const zeros = new Uint8Array(64 * MIB);
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const invalid = Uint8Array.from([...new TextEncoder().encode(`{"s":"`), 0xff, 0x22, 0x7d]);

interface Bad {
  readonly body?: BodyInit;
  readonly coding?: string;
  readonly method?: string;
  readonly path?: string;
  readonly status: number;
  readonly says: RegExp;
}

const BAD: Readonly<Record<string, Bad>> = {
  "malformed JSON": { body: "nope", status: 400, says: /not JSON/ },
  "an array": { body: "[1]", status: 400, says: /expected object, received array/ },
  "no s": { body: "{}", status: 400, says: /\/s .*expected string, received undefined/ },
  "a number as s": { body: `{"s":1}`, status: 400, says: /\/s .*expected string/ },
  "a key twice": { body: `{"s":"a","s":"b"}`, status: 400, says: /key "s" occurs twice/ },
  "invalid UTF-8": { body: invalid, status: 400, says: /not UTF-8/ },
  "5 MiB": { body: zeros.subarray(0, 5 * MIB), status: 413, says: /more than 4194304 bytes/ },
  "a gzip bomb": {
    body: new Uint8Array(gzipSync(zeros)),
    coding: "gzip",
    status: 413,
    says: /more than 4194304/,
  },
  "a brotli bomb": {
    body: new Uint8Array(brotliCompressSync(zeros, brotli)),
    coding: "br",
    status: 413,
    says: /more than 4194304/,
  },
  "damaged gzip": { body: "nope", coding: "gzip", status: 400, says: /damaged/ },
  "an unknown coding": { body: "{}", coding: "zstd", status: 415, says: /content coding/ },
  "GET": { method: "GET", status: 405, says: /only POST/ },
  "PUT": { method: "PUT", body: "{}", status: 405, says: /only POST/ },
  "an unknown path": { path: "/lowercase", body: "{}", status: 404, says: /"\/lowercase"/ },
};

for (const name of NAMES) {
  Deno.test(`${name} refuses bad input, says why, and lives`, async () => { // P12, P15, S3
    await using program = await running(name);
    const url = `http://127.0.0.1:${program.port}`;
    for (const [what, bad] of Object.entries(BAD)) {
      const { method = "POST", path = "/uppercase", body, coding, status, says } = bad;
      const response = await fetch(`${url}${path}`, {
        method,
        body: body ?? null,
        headers: coding === undefined ? {} : { "content-encoding": coding },
      });
      const problem = await response.json();
      assert.deepEqual([response.status, problem.status], [status, status], what);
      assert.equal(response.headers.get("content-type"), "application/problem+json", what);
      assert.match(problem.detail, says, what);
      if (status === 405) assert.equal(response.headers.get("allow"), "POST");
    }
    const body = `Content-Length: 9\r\n\r\n{"s":"a"}`;
    const noHost = await raw(program.port, `POST /uppercase HTTP/1.1\r\n${body}`, hasBody);
    assert.match(noHost, /^HTTP\/1.1 400 [^]*application\/problem\+json[^]*Host/);
    const good = await raw(program.port, `POST /uppercase HTTP/1.1\r\nHost: a\r\n${body}`, hasBody);
    assert.match(good, /^HTTP\/1.1 200 [^]*\{"v":"A","err":null\}\n$/);
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
    const calls = program.lines.filter((line) => line.includes("method="));
    assert.equal(calls.length, name === "stringsvc1" ? 0 : 1, "what was refused is no call");
  });
}

Deno.test("stringsvc3 tells the place of each log call", async () => {
  await using program = await running("stringsvc3", "--proxy=127.0.0.1:1");
  await using alone = await running("stringsvc3");
  const url = `http://127.0.0.1:${alone.port}`;
  for (const path of ["uppercase", "count"]) {
    await (await fetch(`${url}/${path}`, { method: "POST", body: `{"s":"a"}` })).text();
  }
  for (const { kill, status } of [program, alone]) {
    kill("SIGTERM");
    await status;
  }
  const lines = [...program.lines, ...alone.lines];
  assert.equal(lines.length, 6);
  for (const line of lines) {
    const [, file, number, field] = /^listen=\S+ caller=(\w+\.ts):(\d+) (\w+)=/.exec(line) ?? [];
    const source = await Deno.readTextFile(new URL(`stringsvc3/${file}`, import.meta.url));
    const called = source.split("\n")[Number(number) - 1]!;
    assert.match(called, new RegExp(`\\blog\\(\\{ ${field}: `), `${line} is not at ${called}`);
  }
});

Deno.test("stringsvc3 hands foo, bar and baz to three instances in turn", async () => { // XS7
  await using a = await running("stringsvc3");
  await using b = await running("stringsvc3");
  await using c = await running("stringsvc3");
  const list = [a, b, c].map(({ port }) => `127.0.0.1:${port}`);
  await using proxy = await running("stringsvc3", `--proxy=${list.join(", ")}`);
  for (const s of ["foo", "bar", "baz"]) {
    const body = `{"s":"${s}"}`;
    const response = await fetch(`http://127.0.0.1:${proxy.port}/uppercase`, {
      method: "POST",
      body,
    });
    assert.equal(await response.text(), `{"v":"${s.toUpperCase()}","err":null}\n`);
  }
  for (const program of [proxy, a, b, c]) {
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
  }
  const calls = (program: Program) => program.lines.filter((line) => line.includes("method="));
  for (const backend of [a, b, c]) assert.equal(calls(backend).length, 1);
  assert.equal(calls(proxy).length, 3);
  assert(proxy.lines[0]!.endsWith(` proxy_to="[${list.join(" ")}]"`), proxy.lines[0]);
});

Deno.test("stringsvc3 answers with the reason when all instances are down", async () => { // XS7, P19
  const list = freePorts(2).map((port) => `127.0.0.1:${port}`);
  await using proxy = await running("stringsvc3", `--proxy=${list}`);
  const response = await fetch(`http://127.0.0.1:${proxy.port}/uppercase`, {
    method: "POST",
    body: `{"s":"foo"}`,
  });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), {
    v: "",
    err: "Cannot reach service (previously: Cannot reach service; Cannot reach service)",
  });
});

/** Begins a request whose body never arrives whole. */
async function stall(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  const head = "POST /uppercase HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{";
  await connection.write(new TextEncoder().encode(head));
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
    using _stalled = await stall(program.port);
    const url = `http://127.0.0.1:${program.port}/uppercase`;
    await (await fetch(url, { method: "POST", body: `{"s":"last"}` })).text();
    const begin = performance.now();
    program.kill(signal);
    const { code } = await program.status;
    const tookMs = performance.now() - begin;
    assert.equal(code, 0);
    assert(tookMs > 1000 && tookMs < 2000 + 1000, `took ${tookMs} ms`);
    assert.match(program.lines.at(-1)!, /^method=uppercase input=last output=LAST /); // G4
  });
}

Deno.test("stringsvc2 ends at once on a second signal", async () => { // G3
  await using program = await running("stringsvc2");
  using _stalled = await stall(program.port);
  const begin = performance.now();
  program.kill("SIGTERM");
  await isStopping(program);
  program.kill("SIGTERM");
  assert.equal((await program.status).code, 0);
  assert(performance.now() - begin < 1500);
});

Deno.test("stringsvc2 finishes what is under way when it is stopped", async () => { // G1
  await using program = await running("stringsvc2");
  using connection = await Deno.connect({ port: program.port, hostname: "127.0.0.1" });
  const text = new TextEncoder();
  const head = "POST /uppercase HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
  await connection.write(text.encode(`${head}{"s":`));
  await delay(50); // the half of it is there
  program.kill("SIGTERM");
  await isStopping(program);
  await connection.write(text.encode(`"a"}`));
  const answer = new TextDecoder().decode(await new Response(connection.readable).bytes());
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
