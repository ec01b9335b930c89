/**
 * Writes one event a call.
 * @module
 */
import {
  type AnyMiddleware,
  type Clock,
  type Code,
  codeOf,
  type Endpoint,
  failure,
  isKitError,
  type Middleware,
  systemClock,
} from "@kit/endpoint";
import { causes, duration, type Fields, type Level, LEVELS, type Logger } from "@kit/log";
import { measure } from "./_measure.ts";

/** Options for {@linkcode logging}. */
export interface LoggingOptions {
  /** The value of the field `method`. */
  readonly method: string;
  /**
   * Chooses the level of an event by how the call ended; `undefined` leaves the field `level` out.
   * @default {levelOfCode}
   */
  readonly level?: (code: Code) => Level | undefined;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Options for {@linkcode logging} that write more about a call.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface LoggingFieldsOptions<Req, Res> extends LoggingOptions {
  /**
   * Gives more fields, to stand between `method` and `err`. Mind what must not be in a log. The
   * response is `undefined` when the call failed, and the stream itself when it was streamed.
   */
  readonly fields: (request: Req, response: Res | undefined) => Fields;
}

/**
 * Chooses the level for the code of a call as the gRPC ecosystem does: `error` for faults of the
 * service itself, `warn` for trouble that may pass, `info` for mistakes of the caller.
 * @param code How the call ended.
 * @returns The level; `undefined` for `ok`.
 * @example Usage
 * ```ts
 * import { LEVELS } from "@kit/log";
 * import { levelOfCode } from "@kit/middleware/logging";
 * import assert from "node:assert/strict";
 * assert.equal(levelOfCode("not_found"), LEVELS.info);
 * assert.equal(levelOfCode("internal"), LEVELS.error);
 * ```
 */
export function levelOfCode(code: Code): Level | undefined {
  switch (code) {
    case "ok":
      return undefined;
    case "cancelled":
    case "invalid_argument":
    case "not_found":
    case "already_exists":
    case "unauthenticated":
      return LEVELS.info;
    case "unknown":
    case "unimplemented":
    case "internal":
    case "data_loss":
      return LEVELS.error;
    default:
      return LEVELS.warn;
  }
}

/**
 * Writes one event a call, when it has ended: `method`, the fields of the `fields` option, `err`
 * (`null`, or what went wrong with its causes) and `took`. A business failure inside the response
 * (`Failer`) is an `err` as well. A streamed call ends when its iteration does.
 *
 * A call that rejected has its `level` in front and its `code` behind, and at level `error` the
 * `stack` of the first cause. Neither the request nor the response is written unless `fields` does.
 *
 * Place it directly beside {@linkcode instrumenting} and both share their readings of the clock.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param log Where the events go.
 * @param options The method, and more fields.
 * @returns The middleware.
 * @example Usage
 * ```ts
 * import { apply, background } from "@kit/endpoint";
 * import type { Fields } from "@kit/log";
 * import { logging } from "@kit/middleware/logging";
 * import assert from "node:assert/strict";
 * const events: Fields[] = [];
 * const uppercase = apply(
 *   (s: string) => Promise.resolve(s.toUpperCase()),
 *   logging((event) => void events.push(event), {
 *     method: "uppercase",
 *     fields: (input, output) => ({ input, output }),
 *   }),
 * );
 * await uppercase("hello", background());
 * const { method, input, output, err } = events[0]!;
 * assert.deepEqual([method, input, output, err], ["uppercase", "hello", "HELLO", null]);
 * ```
 */
export function logging<Req, Res>(
  log: Logger,
  options: LoggingFieldsOptions<Req, Res>,
): Middleware<Req, Res>;
/**
 * Writes one event a call, for an endpoint of any type.
 * @param log Where the events go.
 * @param options The method.
 * @returns The middleware.
 */
export function logging(log: Logger, options: LoggingOptions): AnyMiddleware;
export function logging(
  log: Logger,
  options: LoggingOptions & Partial<LoggingFieldsOptions<unknown, unknown>>,
): AnyMiddleware {
  const { method, fields, level = levelOfCode, clock = systemClock } = options;

  function event(code: Code, request: unknown, response: unknown, tail: Fields): Fields {
    const at = level(code);
    if (at === undefined && fields === undefined) return { method, ...tail };
    return {
      ...(at === undefined ? undefined : { level: at }),
      method,
      ...(fields === undefined ? undefined : moreFields(fields, request, response)),
      ...tail,
    };
  }

  function observe(tookMs: number, error: unknown, request: unknown, response: unknown): void {
    const took = duration(tookMs);
    if (error !== undefined) {
      const code = codeOf(error);
      const stack = level(code) === LEVELS.error ? { stack: stackOf(error) } : undefined;
      return log(event(code, request, response, { err: causes(error), took, code, ...stack }));
    }
    const failed = failure(response);
    if (failed === undefined && level("ok") === undefined) {
      // The way of most calls: every further object that is copied costs as much as a clock.
      return log(
        fields === undefined
          ? { method, err: null, took }
          : { method, ...moreFields(fields, request, response), err: null, took },
      );
    }
    const code = failed !== undefined && isKitError(failed) ? failed.code : "ok";
    log(
      event(code, request, response, { err: failed === undefined ? null : causes(failed), took }),
    );
  }

  return <Req, Res>(next: Endpoint<Req, Res>) => measure<Req, Res>(next, clock, observe);
}

/** A call must not fail because of its log. */
function moreFields(
  fields: (request: unknown, response: unknown) => Fields,
  request: unknown,
  response: unknown,
): Fields {
  try {
    return fields(request, response);
  } catch (error) {
    return { fields_err: causes(error) };
  }
}

/** The stack of the first cause: that is where it went wrong. */
function stackOf(error: unknown): string | undefined {
  let stack: string | undefined;
  const seen = new Set<unknown>();
  while (error instanceof Error && !seen.has(error)) {
    seen.add(error);
    stack = error.stack ?? stack;
    error = error.cause;
  }
  return stack;
}
