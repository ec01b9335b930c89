/**
 * Turns what is thrown against the rules into an error.
 * @module
 */
import { type AnyMiddleware, isKitError, KitError } from "@kit/endpoint";
import { isStream, SteppedStream } from "./_streams.ts";

/** Options for {@linkcode recover}. */
export interface RecoverOptions {
  /** Is told what was thrown, to log it. It must not throw. */
  readonly onPanic?: (thrown: unknown) => void;
}

/**
 * Turns a synchronous throw, and a rejection with what is no `Error`, into a rejection with a
 * `KitError` of code `internal`, whose text tells nothing of the inside. What was thrown is its
 * cause. The same holds for each step of a streamed response.
 *
 * Endpoints reject rather than throw, so all other rejections pass as they are, and a `KitError`
 * that is thrown synchronously becomes a rejection with it: nothing was out of order but its way.
 * @param options Who is told.
 * @returns The middleware.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { recover } from "@kit/middleware/recover";
 * import assert from "node:assert/strict";
 * const safe = recover()(() => {
 *   throw new Error("password=hunter2");
 * });
 * await assert.rejects(safe({}, background()), { code: "internal", message: "Internal error" });
 * ```
 */
export function recover(options: RecoverOptions = {}): AnyMiddleware {
  const { onPanic } = options;
  function panic(thrown: unknown): Promise<never> {
    onPanic?.(thrown);
    return Promise.reject(new KitError("internal", "Internal error", { cause: thrown }));
  }
  function rejected(error: unknown): Promise<never> {
    return error instanceof Error || isKitError(error) ? Promise.reject(error) : panic(error);
  }
  function resolved<Res>(response: Res): Res {
    if (!isStream(response)) return response;
    return new SteppedStream(response, (step) => step.catch(rejected)) as Res;
  }
  return (next) => (request, ctx) => {
    try {
      return next(request, ctx).then(resolved, rejected);
    } catch (error) {
      return isKitError(error) ? Promise.reject(error) : panic(error);
    }
  };
}
