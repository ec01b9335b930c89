/**
 * Requests of JSON-RPC 2.0 (https://www.jsonrpc.org/specification).
 * @module
 */

/**
 * What ties a response to its request. A number that has no exact place among those of the language,
 * such as one beyond 2^53, is rounded here; on the wire it goes back as it came.
 */
export type RequestId = string | number | null;

/** Parameters: by name or by position. */
export type Params = Readonly<Record<string, unknown>> | readonly unknown[];

/** One call as it came. */
export interface RpcRequest {
  /** The name of the method, which need not exist. */
  readonly method: string;
  /** The parameters; `undefined` if there are none. Not validated. */
  readonly params: Params | undefined;
  /** The id; `undefined` for a notification, which gets no answer. */
  readonly id: RequestId | undefined;
}
