/**
 * Checks of options, for those who write middleware, balancers and transports: misuse is refused
 * when a thing is built, in one wording.
 * @module
 */

function refuse(name: string, rule: string, value: unknown): never {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new RangeError(`Cannot use "${name}" as it must be ${rule}: current value is ${shown}`);
}

/**
 * Refuses what is not a whole number of one or more.
 * @param name The option.
 * @param value Its value.
 * @throws {RangeError} If it is not a positive integer.
 */
export function checkPositiveInteger(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) refuse(name, "a positive integer", value);
}

/**
 * Refuses what is not a whole number of zero or more.
 * @param name The option.
 * @param value Its value.
 * @throws {RangeError} If it is not a non-negative integer.
 */
export function checkNonNegativeInteger(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) refuse(name, "a non-negative integer", value);
}

/**
 * Refuses what is not a number above zero; `Infinity` is one.
 * @param name The option.
 * @param value Its value.
 * @throws {RangeError} If it is not a positive number.
 */
export function checkPositive(name: string, value: number): void {
  if (!(typeof value === "number" && value > 0)) refuse(name, "a positive number", value);
}

/**
 * Refuses what is not a number of zero or more; `Infinity` is one.
 * @param name The option.
 * @param value Its value.
 * @throws {RangeError} If it is not a non-negative number.
 */
export function checkNonNegative(name: string, value: number): void {
  if (!(typeof value === "number" && value >= 0)) refuse(name, "a non-negative number", value);
}

/**
 * Refuses what is not a share between zero and one.
 * @param name The option.
 * @param value Its value.
 * @throws {RangeError} If it is below 0 or above 1.
 */
export function checkRatio(name: string, value: number): void {
  if (!(typeof value === "number" && value >= 0 && value <= 1)) {
    refuse(name, "a number between 0 and 1", value);
  }
}
