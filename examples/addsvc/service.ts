/**
 * The business: it knows nothing of requests, logs or metrics.
 * @module
 */
import { type Context, type ErrorCode, KitError } from "@kit/endpoint";

/** Adds things. */
export interface AddService {
  /** Adds two numbers; two zeroes, and a sum that does not fit into 32 bits, are refused. */
  sum(a: number, b: number, ctx: Context): Promise<number>;
  /** Joins two strings; more than ten bytes are refused. */
  concat(a: string, b: string, ctx: Context): Promise<string>;
}

/** Adds something to a service. */
export type ServiceMiddleware = (next: AddService) => AddService;

/** A rule of the business that was broken: the caller's fault, and told to the caller. */
export class BusinessError extends KitError {
  constructor(code: ErrorCode, message: string) {
    super(code, message);
    this.name = "BusinessError";
  }
}

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);
const MAX_BYTES = 10;

/** Gives the service. */
export function addService(): AddService {
  return {
    sum(a, b) {
      if (a === 0 && b === 0) return refuse("invalid_argument", "can't sum two zeroes");
      const v = a + b;
      if (v > INT_MAX || v < INT_MIN) return refuse("out_of_range", "integer overflow");
      return Promise.resolve(v);
    },
    concat(a, b) {
      if (byteLength(a) + byteLength(b) > MAX_BYTES) {
        return refuse("invalid_argument", "result exceeds maximum size");
      }
      return Promise.resolve(a + b);
    },
  };
}

function refuse(code: ErrorCode, message: string): Promise<never> {
  return Promise.reject(new BusinessError(code, message));
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
