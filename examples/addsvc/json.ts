/**
 * What a request must be where it comes as JSON.
 * @module
 */
import { z } from "zod";
import type { ConcatRequest, SumRequest } from "./endpoints.ts";

/** Go's clients write `A` and `B`, as its servers take names in any case. */
function anyCase(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]),
  );
}

/** A request of `sum`. */
export const sumRequest: z.ZodType<SumRequest> = z.preprocess(
  anyCase,
  z.object({ a: z.int(), b: z.int() }),
);

/** A request of `concat`. */
export const concatRequest: z.ZodType<ConcatRequest> = z.preprocess(
  anyCase,
  z.object({ a: z.string(), b: z.string() }),
);

/** The answer to a request of `sum`. */
export const sumReply = z.object({ v: z.int() });

/** The answer to a request of `concat`. */
export const concatReply = z.object({ v: z.string() });
