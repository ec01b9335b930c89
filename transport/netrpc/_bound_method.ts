/**
 * What a method is inside.
 * @module
 */
import type { ServerSteps } from "../_server_call.ts";
import type { GobType } from "./gob/type.ts";
import type { CallInfo, Method } from "./method.ts";

/** Where the reply of a call is written to. */
export interface ReplyTo extends CallInfo {
  /** Writes the reply; throws if it is not of its type, and then nothing is written. */
  succeed(type: GobType<unknown>, reply: unknown): void;
  /** Writes the error. */
  fail(text: string): void;
}

/** What a method is inside. */
export interface BoundMethod extends Method {
  readonly steps: ServerSteps<unknown, unknown, ReplyTo, ReplyTo, void>;
}
