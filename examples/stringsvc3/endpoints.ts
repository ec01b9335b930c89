/**
 * The service as endpoints: one function for each method, with a request and a response.
 *
 * A failure of `uppercase` travels inside its response, so that the call counts as answered: no
 * breaker opens for it and nothing is tried again. A failure of `count` is an error of its endpoint:
 * the transport makes a status of it.
 * @module
 */
import { type Endpoint, type Failer, toKitError } from "@kit/endpoint";
import type { StringService } from "./service.ts";

/** What is asked of `uppercase`. */
export interface UppercaseRequest {
  readonly s: string;
}

/** What `uppercase` answers: the string, or why there is none. */
export class UppercaseResponse implements Failer {
  constructor(readonly v: string, readonly err: string | null = null) {}

  /** Tells middleware of the failure. */
  failed(): Error | undefined {
    return this.err === null ? undefined : new Error(this.err);
  }
}

/** What is asked of `count`. */
export interface CountRequest {
  readonly s: string;
}

/** What `count` answers. */
export interface CountResponse {
  readonly v: number;
}

/** Makes the endpoint of `uppercase`. */
export function uppercaseEndpoint(
  service: StringService,
): Endpoint<UppercaseRequest, UppercaseResponse> {
  return async ({ s }, ctx) => {
    try {
      return new UppercaseResponse(await service.uppercase(s, ctx));
    } catch (error) {
      // Of an error that was not meant for the caller it tells nothing.
      return new UppercaseResponse("", toKitError(error).message);
    }
  };
}

/** Makes the endpoint of `count`. */
export function countEndpoint(service: StringService): Endpoint<CountRequest, CountResponse> {
  return async ({ s }, ctx) => ({ v: await service.count(s, ctx) });
}
