/** Runs the examples as programs, and holds them to what the tutorial and the wire ask. */
import assert from "node:assert/strict";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { has, NAMES, run, running } from "./_programs_testing.ts";
import { freePorts, type Program } from "./_shared/program.ts";

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

Deno.test("README.md tells the places of log calls as they are", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const places = [...readme.matchAll(/caller=(\w+\.ts):(\d+) (\w+)=/g)];
  assert.equal(places.length, 4);
  for (const [place, file, number, field] of places) {
    const source = await Deno.readTextFile(new URL(`stringsvc3/${file}`, import.meta.url));
    const called = source.split("\n")[Number(number) - 1]!;
    assert.match(called, new RegExp(`\\blog\\(\\{ ${field}: `), place);
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
  assert(proxy.lines[0]!.endsWith(` proxy_to="[${list.join(" ")}]"`));
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
