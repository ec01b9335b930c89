/**
 * Reads the errors of HTTP responses that are no success.
 * @module
 */
import type { KitError } from "@kit/endpoint";
import { parseProblem } from "../http/problem.ts";
import { parseAnswer } from "./_response.ts";

/** The error of JSON-RPC in the body, if there is one, or else that of the HTTP response. */
export function decodeError(response: Response, body: string): KitError {
  try {
    const { error } = parseAnswer(JSON.parse(body));
    if (error !== undefined) return error;
  } catch {
    // It is the answer of somebody else, such as a proxy.
  }
  return parseProblem(response, body);
}
