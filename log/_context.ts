/**
 * Loggers that add fields. However many are stacked, they are one: a logger that is made of another
 * takes over its fields and calls what that one would have called.
 *
 * Each function that this package returns as a logger is called `kitLog`, which is how `caller`
 * tells its frames from those of the program.
 * @module
 */
import type { Fields, Logger, Valuer } from "./logger.ts";
import { panicText } from "./_text.ts";

/** What a logger that adds fields is made of. */
export interface Parts {
  readonly next: Logger;
  readonly before: Fields;
  readonly after: Fields;
}

const known = /* @__PURE__ */ new WeakMap<Logger, Parts>();

/** Takes a logger apart; one that adds nothing has empty parts. */
export function partsOf(log: Logger): Parts {
  return known.get(log) ?? { next: log, before: {}, after: {} };
}

function evaluate(valuer: Valuer): unknown {
  try {
    return valuer();
  } catch (error) {
    return panicText("valuer", error);
  }
}

/** Makes the logger. A name that comes twice keeps its first place and its last value. */
export function contextual(parts: Parts): Logger {
  const { next, before, after } = parts;
  const valuers = Object.entries({ ...before, ...after })
    .filter((entry): entry is [string, Valuer] => typeof entry[1] === "function");
  const hasAfter = Object.keys(after).length > 0;
  const kitLog: Logger = (fields) => {
    const event: Record<string, unknown> = hasAfter
      ? { ...before, ...fields, ...after }
      : { ...before, ...fields };
    for (let i = 0; i < valuers.length; i++) {
      const [key, valuer] = valuers[i]!;
      if (event[key] === valuer) event[key] = evaluate(valuer);
    }
    next(event);
  };
  known.set(kitLog, parts);
  return kitLog;
}
