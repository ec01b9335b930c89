import {
  allow,
  caller,
  duration,
  formatJson,
  formatLogfmt,
  json,
  leveled,
  logfmt,
  nopLogger,
  timestampUTC,
  withFields,
  writerSink,
} from "@kit/log";

/** A target that takes everything at once. */
function discarding(): ReturnType<typeof writerSink> {
  return writerSink({ write: (bytes) => Promise.resolve(bytes.length) }, {
    maxLines: 1e9,
    maxLength: 1e12,
  });
}

const took = duration(0.002455);
const event = () => ({
  method: "uppercase",
  input: "hello, world",
  output: "HELLO, WORLD",
  err: null,
  took,
});
const line = formatLogfmt(event());

/** Calls `log` a thousand times and empties the sink, so that the figure holds encoding as well. */
function benchSink(name: string, make: (sink: ReturnType<typeof writerSink>) => () => void): void {
  const sink = discarding();
  const log = make(sink);
  Deno.bench(`${name} x1000`, { group: "sink" }, async () => {
    for (let i = 0; i < 1000; i++) log();
    await sink.flush();
  });
}

benchSink("enqueue", (sink) => () => sink(line));
benchSink("logfmt, 5 fields", (sink) => {
  const log = logfmt(sink);
  return () => log(event());
});
benchSink("logfmt, 5 fields, level and ts", (sink) => {
  const log = leveled(withFields(logfmt(sink), { ts: timestampUTC }));
  return () => log.info(event());
});
benchSink("json, 5 fields", (sink) => {
  const log = json(sink);
  return () => log(event());
});

Deno.bench("formatLogfmt(), 5 fields", { group: "format", baseline: true }, () => {
  formatLogfmt(event());
});
Deno.bench("formatJson(), 5 fields", { group: "format" }, () => {
  formatJson(event());
});
Deno.bench("JSON.stringify(), 5 fields", { group: "format" }, () => {
  JSON.stringify(event());
});

const bare = withFields(nopLogger, { service: "string" });
const timed = withFields(nopLogger, { ts: timestampUTC });
const placed = withFields(nopLogger, { caller });
const blocked = leveled(allow(nopLogger, "error"));
Deno.bench("withFields()", { group: "fields", baseline: true }, () => bare(event()));
Deno.bench("withFields() of timestampUTC", { group: "fields" }, () => timed(event()));
Deno.bench("withFields() of caller", { group: "fields" }, () => placed(event()));
Deno.bench("allow() of a level that is blocked", { group: "fields" }, () => blocked.info(event()));
