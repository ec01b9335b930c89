import assert from "node:assert/strict";
import { proxy } from "../stringsvc3/proxying.ts";
import { listen, parseFlags, usage, UsageError } from "./flags.ts";

const flags = { listen, proxy };

Deno.test("parseFlags() gives the values, or their defaults", () => { // XS6
  const byDefault = parseFlags(flags, []);
  assert.deepEqual(byDefault, { listen: ":8080", proxy: undefined });
  for (const args of [["--listen=[::1]:1"], ["-listen=[::1]:1"], ["--listen", "[::1]:1"]]) {
    assert.deepEqual(parseFlags(flags, args), { listen: "[::1]:1", proxy: undefined });
  }
});

Deno.test("parseFlags() takes addresses apart and trims them", () => { // XS6
  const { proxy: { url } } = parseFlags(flags, ["-proxy= localhost:8001 , http://b/x,c:1/y"]) as {
    proxy: { url: string };
  };
  assert.equal(url, "localhost:8001,http://b/x,c:1/y");
});

for (const args of [["--help"], ["-h"], ["-help"], ["--listen=:1", "--help"]]) {
  Deno.test(`parseFlags() gives help for ${args.join(" ")}`, () => {
    assert.equal(parseFlags(flags, args), "help");
  });
}

for (
  const [arg, message] of [
    ["--foo", "Unknown option '--foo'"],
    ["--http.addr=:80", "Unknown option '--http.addr'"],
    ["-listen", "Option '--listen <value>' argument missing"],
    ["foo", "Unexpected argument 'foo'"],
    ["--help=1", "Option '-h, --help' does not take an argument"],
  ] as const
) {
  Deno.test(`parseFlags() refuses ${arg} as unknown`, () => {
    assert.throws(
      () => parseFlags(flags, [arg]),
      (error) => error instanceof UsageError && error.isUnknown && error.message === message,
    );
  });
}

for (
  const arg of [
    "--listen=",
    "--listen=8080",
    "--listen=:99999",
    "--proxy=localhost",
    "--proxy=a:1,,b:2",
    "--proxy=ftp://a:1",
    "--proxy=http://",
    "--proxy=a:0",
  ]
) {
  Deno.test(`parseFlags() refuses ${arg}`, () => {
    assert.throws(
      () => parseFlags(flags, [arg]),
      (error) =>
        error instanceof UsageError && !error.isUnknown &&
        error.message.startsWith(arg.slice(0, 7)),
    );
  });
}

Deno.test("usage() tells every flag", () => {
  const lines = usage("stringsvc1", { listen }).split("\n");
  assert.deepEqual(lines, [
    "Usage: stringsvc1 [flags]",
    "  --listen=:8080    address to listen on, :port or host:port",
    "  --help            print this",
  ]);
});
