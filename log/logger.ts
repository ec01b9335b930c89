/**
 * The type of a logger.
 * @module
 */

/**
 * What one event says, in the order in which it is written (but whole numbers as names come first,
 * as in any object).
 */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Writes one event. A logger is one function; everything else is made by wrapping it. It never
 * throws and never waits: a call must not fail or slow down because of its log.
 */
export type Logger = (fields: Fields) => void;

/**
 * A function as the value of a field given to `withFields`, `withPrefix` or `withSuffix`: it is
 * called for each event, and what it returns is the value. As a value of the event itself it is not
 * called.
 */
export type Valuer = () => unknown;
