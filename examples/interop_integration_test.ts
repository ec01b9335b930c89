/** Puts Go kit's own string service behind Kit's, and in front of it. */
import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { freePorts, type Program, start } from "./_shared/program.ts";
import { stringService } from "./stringsvc1/service.ts";

const FOLDER = new URL("testdata/go-stringsvc/", import.meta.url);

function hasGo(): boolean {
  try {
    return new Deno.Command("go", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const ignore = !hasGo();
const why = ignore ? " (ignored: there is no go)" : "";

/** Builds the Go program, and gives it to a test. */
async function withGo(test: (binary: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const binary = `${folder}/stringsvc`;
    const { success, stderr } = await new Deno.Command("go", {
      args: ["build", "-o", binary, "."],
      cwd: FOLDER,
      env: { GOTOOLCHAIN: "local" },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    await test(binary);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts Go's service, before others if they are given. */
async function goService(binary: string, ...instances: string[]) {
  const child = new Deno.Command(binary, {
    args: ["serve", ...instances],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return {
    address: new TextDecoder().decode(value).trim(),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.stdout.cancel();
      await child.status;
    },
  };
}

async function kitService(...flags: string[]) {
  const [port = 0] = freePorts(1);
  const program: Program = start("stringsvc3", [`--listen=127.0.0.1:${port}`, ...flags]);
  const address = await program.listening;
  return {
    address,
    program,
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGTERM");
      await program.status;
    },
  };
}

async function post(address: string, path: string, s: string): Promise<unknown> {
  const body = JSON.stringify({ s });
  const response = await fetch(`http://${address}/${path}`, { method: "POST", body });
  assert.equal(response.status, 200);
  return await response.json();
}

const CALLS = ["foo", "bar", "baz", "hello, world", "straße ŉ", `"\\ \u2028 <&>`, "😀"];

Deno.test({
  name: `Go kit's proxy has uppercase done by stringsvc3${why}`, // XS7
  ignore,
  fn: () =>
    withGo(async (binary) => {
      await using a = await kitService();
      await using b = await kitService();
      await using proxy = await goService(binary, a.address, b.address);
      for (const s of CALLS) {
        const v = await stringService().uppercase(s, background());
        assert.deepEqual(await post(proxy.address, "uppercase", s), { v });
      }
      assert.deepEqual(await post(proxy.address, "uppercase", ""), { v: "", err: "Empty string" });
      for (const { program } of [a, b]) {
        program.kill("SIGTERM");
        await program.status;
        const calls = program.lines.filter((line) => line.includes("method=uppercase"));
        assert.equal(calls.length, (CALLS.length + 1) / 2);
      }
    }),
});

Deno.test({
  name: `stringsvc3 has uppercase done by Go kit's service${why}`, // XS7
  ignore,
  fn: () =>
    withGo(async (binary) => {
      await using a = await goService(binary);
      await using b = await goService(binary);
      await using proxy = await kitService(`--proxy=${a.address},${b.address}`);
      for (const s of CALLS) {
        const v = await stringService().uppercase(s, background());
        assert.deepEqual(await post(proxy.address, "uppercase", s), { v, err: null });
        assert.deepEqual(await post(proxy.address, "count", s), await post(a.address, "count", s));
      }
      assert.deepEqual(await post(proxy.address, "uppercase", ""), { v: "", err: "Empty string" });
    }),
});

const UNASSIGNED = 0xffff_ffff;

Deno.test({
  name: `uppercase() maps every character as Go's unicode.ToUpper${why}`, // W4
  ignore,
  fn: () =>
    withGo(async (binary) => {
      const { stdout } = await new Deno.Command(binary, { args: ["upper"] }).output();
      const bytes = new DataView(stdout.buffer, stdout.byteOffset);
      const goUpper = (code: number) => bytes.getUint32(code * 4);
      const { uppercase } = stringService();
      let compared = 0;
      for (let code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff) continue;
        const upper = (await uppercase(String.fromCodePoint(code), background())).codePointAt(0)!;
        // Go's tables are a few years behind: what they do not know is left out.
        if (goUpper(code) === UNASSIGNED || goUpper(upper) === UNASSIGNED) continue;
        if (upper !== goUpper(code)) assert.fail(`U+${code.toString(16)}`);
        compared++;
      }
      assert(compared > 280_000, `compared ${compared}`);
    }),
});
