/**
 * An event as other loggers want it.
 * @module
 */
import { hasOwnText, objectText } from "./_text.ts";
import { isLevel, type LevelName } from "./level.ts";
import type { Fields, Logger } from "./logger.ts";

/** An event taken apart. */
export interface Parts {
  /** The first level among the values; `info` without one. */
  readonly level: LevelName;
  /** The text of `msg`; empty without one. */
  readonly message: string;
  /** The other fields, with text for what has a text of its own. */
  readonly rest: Record<string, unknown>;
}

function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  try {
    if (value instanceof Error || hasOwnText(value)) return objectText(value);
  } catch {
    return objectText(value); // It tells why.
  }
  return value;
}

function split(fields: Fields): Parts {
  let level: LevelName | undefined;
  let message = "";
  const rest: [string, unknown][] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (level === undefined && isLevel(value)) level = value.name;
    else if (key === "msg" && typeof value === "string") message = value;
    else rest.push([key, plain(value)]);
  }
  return { level: level ?? "info", message, rest: Object.fromEntries(rest) };
}

/** A logger that hands events to another one, and keeps what that throws from the caller. */
export function adapt(write: (parts: Parts, fields: Fields) => void): Logger {
  const kitLog: Logger = (fields) => {
    try {
      write(split(fields), fields);
    } catch {
      // Somebody else's logger must not fail the call that logs.
    }
  };
  return kitLog;
}
