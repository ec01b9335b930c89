import assert from "node:assert/strict";
import {
  type Color,
  colorEnabled,
  type Colors,
  colorsByLevel,
  formatJson,
  leveled,
  LEVELS,
  memorySink,
  terminal,
} from "@kit/log";

function coloured(colors: Colors): string {
  const sink = memorySink();
  terminal(sink, { colors: () => colors })({ hello: "world" });
  return sink.lines[0]!;
}

// LO2; the end of the line comes after the reset, where upstream has it before
Deno.test("terminal() puts a line between colours and their reset", () => {
  assert.equal(
    coloured({ fg: "green", bg: "white" }),
    "\x1b[32;1m\x1b[47;1mhello=world\x1b[39;49;22m",
  );
  assert.equal(coloured({ fg: "darkRed" }), "\x1b[31mhello=world\x1b[39;49;22m");
  assert.equal(coloured({ bg: "gray" }), "\x1b[47mhello=world\x1b[39;49;22m");
});

// LO2
Deno.test("terminal() leaves a line without colours plain", () => {
  assert.equal(coloured({}), "hello=world");
});

// LO2
Deno.test("terminal() has the 16 colours of a terminal", () => {
  const dark: Color[] = ["black", "darkRed", "darkGreen", "brown", "darkBlue", "darkMagenta"];
  const bright: Color[] = ["darkGray", "red", "green", "yellow", "blue", "magenta"];
  [...dark, "darkCyan" as const, "gray" as const].forEach((fg, i) =>
    assert(coloured({ fg }).startsWith(`\x1b[${30 + i}mhello`))
  );
  [...bright, "cyan" as const, "white" as const].forEach((bg, i) =>
    assert(coloured({ bg }).startsWith(`\x1b[${40 + i};1mhello`))
  );
});

Deno.test("terminal() colours by level, in the format that is asked for", () => {
  const sink = memorySink();
  const log = leveled(terminal(sink, { format: formatJson }));
  log.warn({ a: 1 });
  log.info({ a: "\x1b[31m" });
  assert.deepEqual(sink.lines, [
    '\x1b[33;1m{"level":"warn","a":1}\x1b[39;49;22m',
    '{"level":"info","a":"\\u001b[31m"}',
  ]);
  assert.deepEqual(colorsByLevel({ level: LEVELS.debug }), { fg: "darkGray" });
  assert.deepEqual(colorsByLevel({ level: "error" }), {});
});

Deno.test("terminal() does not colour when that is not enabled", () => {
  const sink = memorySink();
  leveled(terminal(sink, { enabled: false })).error({ a: 1 });
  assert.deepEqual(sink.lines, ["level=error a=1"]);
});

// LO2
Deno.test("terminal() refuses colours that are no function", () => {
  assert.throws(() => terminal(memorySink(), { colors: null as never }), TypeError);
});

// LO2: only when a terminal reads it
Deno.test("colorEnabled() is off unless a terminal reads the stream", () => {
  assert.equal(colorEnabled("stderr"), Deno.stderr.isTerminal() && !Deno.noColor);
  assert.equal(colorEnabled("stdout"), Deno.stdout.isTerminal() && !Deno.noColor);
});
