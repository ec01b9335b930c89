import { background, KitError } from "@kit/endpoint";
import { logfmt, memorySink } from "@kit/log";
import assert from "node:assert/strict";
import { logging } from "./logging.ts";
import { stringService } from "./service.ts";

const took = / took=\d+(\.\d+)?(ns|µs|ms|s)$/;

Deno.test("logging() writes one line a call, as the tutorial shows it", async () => { // XS4, W6
  const sink = memorySink();
  const service = logging(logfmt(sink))(stringService());
  await service.uppercase("hello, world", background());
  await service.count("hello, world", background());
  await assert.rejects(service.uppercase("", background()), { message: "Empty string" });
  for (const line of sink.lines) assert.match(line, took);
  assert.deepEqual(sink.lines.map((line) => line.replace(took, "")), [
    'method=uppercase input="hello, world" output="HELLO, WORLD" err=null',
    'method=count input="hello, world" n=12',
    'method=uppercase input= output= err="Empty string"',
  ]);
});

Deno.test("logging() writes what led to an error", async () => {
  const sink = memorySink();
  const error = new KitError("unavailable", "Cannot reach service", {
    cause: new Error("refused"),
  });
  const service = logging(logfmt(sink))({
    ...stringService(),
    count: () => Promise.reject(error),
  });
  await assert.rejects(service.count("a", background()), error);
  assert.match(
    sink.lines[0]!,
    /^method=count input=a n=0 err="Cannot reach service: refused" took=/,
  );
});
