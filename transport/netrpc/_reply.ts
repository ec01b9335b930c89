/**
 * The answer of one call.
 * @module
 */
import { errorText } from "./error_text.ts";
import type { GobType } from "./gob/type.ts";
import type { ReplyTo } from "./_bound_method.ts";
import type { Outbox } from "./_outbox.ts";
import type { RequestHeader } from "./_wire.ts";

/** Where a call is answered, once. */
export class Reply implements ReplyTo {
  #isDone = false;
  readonly method: string;

  constructor(
    readonly outbox: Outbox,
    readonly header: RequestHeader,
    readonly args: unknown,
    readonly onSent: () => void,
  ) {
    this.method = header.method;
  }

  succeed(type: GobType<unknown>, reply: unknown): void {
    if (this.#isDone) return;
    this.outbox.writer.reply(this.method, this.header.id, type, reply);
    this.#done();
  }

  fail(text: string): void {
    if (this.#isDone) return;
    this.outbox.writer.fail(this.method, this.header.id, text || errorText(undefined));
    this.#done();
  }

  #done(): void {
    this.#isDone = true;
    this.outbox.flushSoon(this.onSent);
  }
}
