/**
 * What is written to a connection: gathered for a turn of the event loop, and sent in one piece.
 * @module
 */
import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import type { MessageWriter } from "./_wire.ts";

/** Sends what was given to a writer. */
export class Outbox {
  #isScheduled = false;
  #onSent: (() => void)[] = [];
  /** How many pieces have been handed over and not sent. */
  unsent = 0;

  constructor(readonly socket: Socket, readonly writer: MessageWriter) {}

  /** Sends what was written, soon. */
  flushSoon(onSent?: () => void): void {
    if (onSent !== undefined) this.#onSent.push(onSent);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.unsent++;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const onSent = this.#onSent;
    this.#onSent = [];
    const bytes = this.writer.take();
    const done = (): void => {
      this.unsent--;
      for (const tell of onSent) tell();
    };
    if (this.socket.writable) this.socket.write(bytes, done);
    else done();
  }
}
