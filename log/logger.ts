/**
 * The type of a logger.
 * @module
 */

/** What one event says, in the order in which it is written. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Writes one event. A logger is one function; everything else is made by wrapping it. It never
 * throws and never waits: a call must not fail or slow down because of its log.
 */
export type Logger = (fields: Fields) => void;
