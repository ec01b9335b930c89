/**
 * Structured logs: a logger is one function that takes fields.
 *
 * ```ts
 * import { duration, logfmt, memorySink, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 *
 * const sink = memorySink(); // in a service: await using sink = stderrSink()
 * const log = withFields(logfmt(sink), { listen: ":8001" });
 * log({ method: "count", input: "hello, world", n: 12, took: duration(0.002455) });
 * assert.deepEqual(sink.lines, [
 *   'listen=:8001 method=count input="hello, world" n=12 took=2.455µs',
 * ]);
 * ```
 * @module
 */
export * from "./allow.ts";
export * from "./caller.ts";
export * from "./capture_console.ts";
export * from "./causes.ts";
export * from "./color_enabled.ts";
export * from "./console_sink.ts";
export * from "./duration.ts";
export * from "./inject_level.ts";
export * from "./json.ts";
export * from "./level.ts";
export * from "./leveled.ts";
export * from "./line_logger.ts";
export * from "./logfmt.ts";
export * from "./logger.ts";
export * from "./memory_sink.ts";
export * from "./multi_logger.ts";
export * from "./nop_logger.ts";
export * from "./parse_level.ts";
export * from "./priority.ts";
export * from "./redact.ts";
export * from "./sink.ts";
export * from "./std_sink.ts";
export * from "./swap_logger.ts";
export * from "./terminal.ts";
export * from "./timestamp.ts";
export * from "./to_pino.ts";
export * from "./to_std_log.ts";
export * from "./to_winston.ts";
export * from "./with_fields.ts";
export * from "./with_prefix.ts";
export * from "./with_suffix.ts";
export * from "./writer_sink.ts";
