/**
 * What the context of a call knows of its invocation.
 * @module
 */
import { type ContextKey, contextKey } from "@kit/endpoint";
import type { LambdaContext } from "./handler.ts";

/** Finds what Lambda has told about the invocation. */
export const lambdaContext: ContextKey<LambdaContext> = contextKey("lambda context");

/** Finds the id of the invocation, as it is in Lambda's own log lines. */
export const requestId: ContextKey<string> = contextKey("request id");
