/**
 * A program that logs to its standard error and ends as its argument says.
 * @module
 */
import { logfmt, stderrSink } from "@kit/log";

const [mode] = Deno.args;
const sink = stderrSink({ closeMs: 200 });
const log = logfmt(sink);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const print = (value: unknown) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));

/** Logs for some seconds to a reader that may stall, and tells the longest that the loop stood. */
async function busy(ms: number): Promise<void> {
  let longest = 0;
  let count = 0;
  let last = performance.now();
  const end = last + ms;
  while (last < end) {
    for (let i = 0; i < 100; i++) log({ n: count++, text: "x".repeat(200) });
    await pause(1);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  print({ longest, count, dropped: sink.dropped });
}

log({ msg: "last line" });
switch (mode) {
  case "exit":
    Deno.exit(3);
    break;
  case "throw":
    throw new Error("boom");
  case "reject":
    Promise.reject(new Error("boom"));
    break;
  case "dispose":
    await sink[Symbol.asyncDispose]();
    break;
  case "busy":
    await busy(4000);
    await sink[Symbol.asyncDispose]();
    print({ dropped: sink.dropped });
    Deno.exit(0);
    break;
  case "gone":
    // The reader has left: every write fails with EPIPE.
    await pause(200);
    for (let i = 0; i < 10; i++) {
      log({ i });
      await sink.flush();
    }
    await sink[Symbol.asyncDispose]();
    print({ dropped: sink.dropped });
    break;
}
