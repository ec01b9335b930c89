/**
 * What stands between a logger and the place its lines go to.
 * @module
 */
import type { Fields } from "./logger.ts";

/**
 * Takes one line, without its line end. It must neither throw nor wait; an array's `push` in a
 * function is a sink for tests.
 */
export type Sink = (line: string) => void;

/**
 * Turns an event into one line, without its line end. Whatever the fields are, the line holds no
 * control character, so that no field can pass for another line.
 */
export type Format = (fields: Fields) => string;
