/**
 * What is wrong with a value or with bytes, and where.
 * @module
 */

/** Why something cannot be read or written. It becomes a `KitError` where it leaves this folder. */
export class Fault extends Error {
  #path = "";

  /**
   * Creates the reason, as the end of a sentence: `it ends too early`.
   * @param code What a caller is told; `resource_exhausted` where a limit is the reason.
   */
  constructor(
    readonly rule: string,
    readonly code: "invalid_argument" | "resource_exhausted" = "invalid_argument",
  ) {
    super(rule);
    this.name = "Fault";
  }

  /** Puts a step in front of where it is. */
  within(step: string): this {
    this.#path = this.#path === "" || this.#path.startsWith("[")
      ? `${step}${this.#path}`
      : `${step}.${this.#path}`;
    return this;
  }

  /** What is wrong, with where it is. */
  get reason(): string {
    return this.#path === "" ? this.rule : `field "${this.#path}" is wrong: ${this.rule}`;
  }

  /** The code where a reply is at fault, which is not what the caller has sent. */
  get codeOfReply(): "internal" | "resource_exhausted" {
    return this.code === "resource_exhausted" ? this.code : "internal";
  }
}

/** Says where a fault is; all else is passed on as it is. */
export function located(error: unknown, step: string): unknown {
  return error instanceof Fault ? error.within(step) : error;
}

/** What a value that cannot be written is, without showing text or bytes that may be secret. */
export function misfit(rule: string, value: unknown): Fault {
  const shown = typeof value === "number" || typeof value === "bigint" ||
      typeof value === "boolean" || value == null
    ? String(value)
    : `of type ${typeof value}`;
  return new Fault(`it must be ${rule}: current value is ${shown}`);
}

/** Thrown where a message may go on with bytes that have not arrived. */
export const STARVED: Error = new Error("Cannot go on as bytes are missing");
