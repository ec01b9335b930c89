/**
 * The place in the program that logged an event, as a field.
 * @module
 */
import type { Valuer } from "./logger.ts";

interface Frame {
  getFileName(): string | null;
  getLineNumber(): number | null;
  getFunctionName(): string | null;
}

/** V8 (Deno, Node) and Bun have these; the built-in types do not. */
interface StackApi {
  stackTraceLimit: number;
  prepareStackTrace?: unknown;
  captureStackTrace?(target: object, below: unknown): void;
}

/**
 * The frames below a function. Asking for them like this takes 6 µs where reading the text of
 * `stack` takes 25 to 50, and what is set for that is set back before anybody else runs.
 */
function framesBelow(below: unknown, limit: number): readonly Frame[] {
  const api = Error as unknown as StackApi;
  if (typeof api.captureStackTrace !== "function") return [];
  const { stackTraceLimit, prepareStackTrace } = api;
  const holder: { stack?: readonly Frame[] } = {};
  try {
    api.stackTraceLimit = limit;
    api.prepareStackTrace = (_error: unknown, frames: readonly Frame[]) => frames;
    api.captureStackTrace(holder, below);
    const { stack } = holder;
    return Array.isArray(stack) ? stack : [];
  } finally {
    api.stackTraceLimit = stackTraceLimit;
    api.prepareStackTrace = prepareStackTrace;
  }
}

/** Bundlers put a number behind a name that is there twice. */
function isOurs(frame: Frame): boolean {
  return /^kitLog\d*$/.test(frame.getFunctionName() ?? "");
}

/** The frame below the loggers, of which the first may have had a helper. */
function find(frames: readonly Frame[], skip: number): Frame | undefined {
  let i = frames.findIndex(isOurs);
  if (i < 0) return frames[skip];
  while (i < frames.length && isOurs(frames[i]!)) i++;
  return frames[i + skip];
}

function locate(below: unknown, skip: number): string {
  // Three are the helper that called the value, the logger, and the place that called it.
  const frame = find(framesBelow(below, 3 + skip), skip) ?? find(framesBelow(below, 100), skip);
  const file = frame?.getFileName()?.replace(/[?#].*$/, "").replace(/^.*[/\\]/s, "");
  return file ? `${file}:${frame?.getLineNumber() ?? 0}` : "unknown:0";
}

/**
 * Tells the place that called the logger: a value for a field. It is the same place however many
 * loggers of this package are stacked. It costs about 10 µs an event.
 * @returns Such as `proxying.ts:25`.
 * @example Usage
 * ```ts
 * import { caller, leveled, logfmt, memorySink, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = leveled(withFields(logfmt(sink), { caller }));
 * log.info({ msg: "hello" });
 * assert.match(sink.lines[0]!, /^level=info caller=\S+\.ts:\d+ msg=hello$/);
 * ```
 */
export function caller(): string {
  return locate(caller, 0);
}

/**
 * Gives {@linkcode caller} for loggers that are called through functions of your own.
 * @param skip How many of your functions stand between the place to tell and the logger.
 * @returns A value for a field.
 * @example Usage
 * ```ts
 * import { callerAt, logfmt, memorySink, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = withFields(logfmt(sink), { caller: callerAt(1) });
 * const audit = (what: string) => log({ what });
 * audit("login");
 * assert.match(sink.lines[0]!, /^caller=\S+\.ts:\d+ what=login$/);
 * ```
 */
export function callerAt(skip: number): Valuer {
  const valuer = () => locate(valuer, skip);
  return valuer;
}
