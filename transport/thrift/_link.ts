/**
 * One socket of a client.
 * @module
 */
import { type Context, KitError } from "@kit/endpoint";
import { Fault } from "./_fault.ts";
import { enframe, type Framing, Inbox } from "./_inbox.ts";
import { closeQuietly, writeAll } from "./_socket.ts";

/** A socket that carries one call at a time. It reads on while idle, to notice when it is lost. */
export class Link {
  readonly #socket: Deno.TcpConn;
  readonly #framing: Framing;
  readonly #onLost: () => void;
  readonly #inbox: Inbox;
  #reading: Promise<number | null>;
  #isBusy = false;
  #isClosed = false;

  constructor(socket: Deno.TcpConn, framing: Framing, onLost: () => void) {
    this.#socket = socket;
    this.#framing = framing;
    this.#onLost = onLost;
    this.#inbox = new Inbox(framing);
    socket.setNoDelay();
    this.#reading = this.#read();
  }

  /** Whether another call can be sent. */
  get isUsable(): boolean {
    return !this.#isClosed;
  }

  /** Closes it; a call that is in flight rejects. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeQuietly(this.#socket);
    this.#onLost();
  }

  /** Sends a call and waits for its reply. Where that fails or is given up, the socket is closed. */
  async exchange(
    message: Uint8Array,
    isOneway: boolean,
    ctx: Context,
  ): Promise<Uint8Array | undefined> {
    const onAbort = () => this.close();
    const signal = ctx.canAbort ? ctx.signal : undefined;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#isBusy = true;
    this.#socket.ref();
    try {
      await writeAll(this.#socket, enframe(message, this.#framing.framed));
      const reply = isOneway ? undefined : await this.#receive();
      this.#isBusy = false;
      this.#socket.unref();
      return reply;
    } catch (cause) {
      this.close();
      if (cause instanceof Fault) {
        throw new KitError(cause.codeOfReply, `Cannot decode reply as ${cause.reason}`);
      }
      throw new KitError("unavailable", "Cannot read reply as the connection was lost", { cause });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async #receive(): Promise<Uint8Array> {
    for (;;) {
      const size = await this.#reading;
      if (size === null) throw new Error("The server has closed the connection");
      this.#inbox.arrived(size);
      const reply = this.#inbox.next();
      this.#reading = this.#read();
      if (reply !== undefined) return reply;
    }
  }

  #read(): Promise<number | null> {
    const reading = this.#socket.read(this.#inbox.room());
    // A server has nothing to say while nobody asks.
    reading.then((size) => (size === null || !this.#isBusy) && this.close(), () => this.close());
    return reading;
  }
}
