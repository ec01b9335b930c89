/**
 * The shape of a Lambda handler.
 * @module
 */

/** What Lambda tells about an invocation besides its payload: the context of its Node runtime fits. */
export interface LambdaContext {
  /** The id of the invocation. */
  readonly awsRequestId?: string;
  /** The ARN that was invoked, with the alias or version if one was named. */
  readonly invokedFunctionArn?: string;
  /** What the caller has sent along, by the `ClientContext` of the invocation. */
  readonly clientContext?: unknown;
  /**
   * Tells how long the invocation may still take.
   * @returns Milliseconds.
   */
  getRemainingTimeInMillis?(): number;
}

/**
 * Answers invocations. What it rejects with is told to the caller as the function's error.
 * @typeParam Event The payload, as the runtime has parsed it.
 * @typeParam Result What the runtime writes as JSON.
 */
export type LambdaHandler<Event = unknown, Result = unknown> = (
  event: Event,
  context?: LambdaContext,
) => Promise<Result>;
