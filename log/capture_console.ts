/**
 * Lines of the console as events.
 * @module
 */
import { formatArguments } from "./_runtime.ts";
import type { ConsoleMethod } from "./console_sink.ts";
import { type Level, LEVELS } from "./level.ts";
import type { Logger } from "./logger.ts";

/** Options for {@linkcode captureConsole}. */
export interface CaptureConsoleOptions {
  /**
   * The name of the field that holds the text.
   * @default {"msg"}
   */
  readonly key?: string;
}

const levels: Readonly<Record<ConsoleMethod, Level>> = {
  debug: LEVELS.debug,
  log: LEVELS.info,
  info: LEVELS.info,
  warn: LEVELS.warn,
  error: LEVELS.error,
};

/**
 * Turns what code that knows no logger writes to the console into events: `debug`, `log`, `info`,
 * `warn` and `error`, each with its level and, formatted as the console would, its text.
 *
 * A logger that itself writes to the console may be given: what it writes goes through.
 * @param log Where the events go.
 * @param options The name of the field.
 * @returns What restores the console when it is disposed of.
 * @example Usage
 * ```ts
 * import { captureConsole, logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * {
 *   using _captured = captureConsole(logfmt(sink));
 *   console.warn("slow: %s", "disk");
 * }
 * assert.deepEqual(sink.lines, ['level=warn msg="slow: disk"']);
 * ```
 */
export function captureConsole(log: Logger, options: CaptureConsoleOptions = {}): Disposable {
  const { key = "msg" } = options;
  const target = console;
  const restores: (() => void)[] = [];
  let isLogging = false;
  let isDisposed = false;

  for (const method of Object.keys(levels) as ConsoleMethod[]) {
    const original = target[method];
    const kitLog = (...args: readonly unknown[]): void => {
      if (isLogging || isDisposed) return original.apply(target, args as unknown[]);
      isLogging = true;
      try {
        log({ level: levels[method], [key]: formatArguments(args) });
      } catch {
        // The console never throws either.
      } finally {
        isLogging = false;
      }
    };
    target[method] = kitLog;
    restores.push(() => {
      // What somebody put over it since then stays, and reaches the original through this one.
      if (target[method] === kitLog) target[method] = original;
    });
  }

  return {
    [Symbol.dispose]: () => {
      isDisposed = true;
      for (const restore of restores) restore();
    },
  };
}
