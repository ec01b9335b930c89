/**
 * Reads the responses of JSON-RPC.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { parseErrorObject } from "./error_object.ts";
import type { JsonRpcError } from "./json_rpc_error.ts";
import type { Params, RequestId } from "./request.ts";

/** What is sent for a call. */
export function requestBody(
  method: string,
  params: Params | null | undefined,
  id: RequestId | undefined,
): object {
  if (params !== undefined && typeof params !== "object") {
    throw new TypeError(
      `Cannot send params as they must be an object or an array: current value is ${typeof params}`,
    );
  }
  // What is undefined is left out.
  return { jsonrpc: "2.0", method, params: params ?? undefined, id };
}

/** Gives ids that count up from zero. */
export function counter(): () => RequestId {
  let next = 0;
  return () => next++;
}

/** A response, taken apart: either there is an error or a result. */
export interface Answer {
  readonly id: unknown;
  readonly error: JsonRpcError | undefined;
  readonly result: unknown;
}

/** Takes a response apart; throws if it is none. */
export function parseAnswer(value: unknown): Answer {
  const answer = typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
  if (answer === undefined) throw unusable("it is no object");
  const { jsonrpc, id, error, result } = answer;
  if (jsonrpc !== "2.0") throw unusable(`"jsonrpc" is not "2.0"`);
  // Servers that know only JSON-RPC 1.0 write the one of both that there is not as null.
  if (error !== undefined && error !== null) {
    return { id, error: parseErrorObject(error), result: undefined };
  }
  if (!Object.hasOwn(answer, "result")) throw unusable("it has neither result nor error");
  return { id, error: undefined, result };
}

/** Reads the result out of the response to a request; throws the error in it, or why it is no answer. */
export function resultOf(value: unknown, id: RequestId | undefined): unknown {
  const answer = parseAnswer(value);
  // Who could not read the id answers with null.
  const isOurs = answer.id === id || (answer.error !== undefined && answer.id === null);
  if (!isOurs) throw unusable("its id is not that of the request");
  if (answer.error !== undefined) throw answer.error;
  return answer.result;
}

/** The error of a response that makes no sense. */
export function unusable(why: string): KitError {
  return new KitError("internal", `Cannot use response as ${why}`);
}
