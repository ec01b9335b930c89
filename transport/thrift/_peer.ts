/**
 * One connection of a server.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { CallContext } from "./_call_context.ts";
import { readerOf } from "./_codec.ts";
import { Fault } from "./_fault.ts";
import { enframe, type Framing, Inbox } from "./_inbox.ts";
import { encodeException, ONEWAY } from "./_message.ts";
import { closeQuietly, writeAll } from "./_socket.ts";
import type { Processor } from "./server.ts";

/** What a connection is about: nothing, bytes that have to come or go on, or a handler that runs. */
type Phase = "idle" | "transfer" | "call";

/** What a connection needs of its server. */
export interface PeerOptions extends Framing {
  readonly processor: Processor;
  readonly onError: ((error: unknown) => void) | undefined;
  /** Tells the number of the tick that runs. */
  readonly tick: () => number;
}

/** How often the rest of bytes that are no message is read, before the connection is closed. */
const MAX_LAST_READS = 16;

/** Answers the calls of one connection, one after the other, as Apache's servers do. */
export class Peer {
  phase: Phase = "idle";
  /** In which tick the phase has begun. */
  since: number;
  readonly #socket: Deno.TcpConn;
  readonly #options: PeerOptions;
  readonly #inbox: Inbox;
  readonly #address: string;
  /** Bytes that are on their way: at most one read is under way, also while a handler runs. */
  #reading: Promise<number | null> | undefined;
  #ctx: CallContext | undefined;
  /** Whether the other side sends nothing more. */
  #isEnded = false;
  #isStopping = false;

  constructor(socket: Deno.TcpConn, options: PeerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#inbox = new Inbox(options);
    this.since = options.tick();
    const { hostname, port } = socket.remoteAddr;
    this.#address = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }

  /** Runs until the connection ends. It never rejects. */
  async run(): Promise<void> {
    try {
      this.#socket.setNoDelay();
      for (;;) {
        const message = this.#inbox.next();
        if (message !== undefined) {
          if (!await this.#answer(message)) break;
        } else if (this.#isEnded || this.#isStopping && this.#inbox.isEmpty) break;
        else await this.#receive();
      }
    } catch (error) {
      if (error instanceof Fault) await this.#refuse(error);
      // All else is a connection that is lost.
    } finally {
      this.close();
    }
  }

  /** Lets it end once nothing is under way. */
  stop(): void {
    this.#isStopping = true;
    if (this.phase === "idle") this.close();
  }

  /** Ends it at once. */
  close(): void {
    this.#ctx?.abort(gone());
    closeQuietly(this.#socket);
  }

  #turn(phase: Phase): void {
    this.phase = phase;
    this.since = this.#options.tick();
  }

  #read(): Promise<number | null> {
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#reading = this.#socket.read(this.#inbox.room());
    const lost = () => {
      this.#isEnded = true;
      this.#ctx?.abort(gone());
    };
    reading.then((size) => size === null && lost(), lost);
    return reading;
  }

  async #receive(): Promise<void> {
    // However little comes at a time, the message as a whole has to be there in time.
    if (this.#inbox.isEmpty) {
      if (this.phase !== "idle") this.#turn("idle");
    } else if (this.phase !== "transfer") this.#turn("transfer");
    const size = await this.#read();
    this.#reading = undefined;
    if (size === null) this.#isEnded = true;
    else this.#inbox.arrived(size);
  }

  /** Answers a message; false if nothing that follows it can be trusted. */
  async #answer(message: Uint8Array): Promise<boolean> {
    const { processor, protocol, framed } = this.#options;
    // Work that nobody waits for any more is not begun.
    if (this.#isEnded && !isOneway(message, this.#options)) return true;
    this.#turn("call");
    const ctx = this.#ctx = new CallContext(this.#address);
    // Only who reads learns that the other side has gone.
    if (!this.#isEnded) this.#read();
    const { reply, isBroken } = await processor(message, ctx, { protocol });
    this.#ctx = undefined;
    if (reply !== undefined && !this.#isEnded) {
      this.#turn("transfer");
      await writeAll(this.#socket, enframe(reply, framed));
    }
    return !isBroken;
  }

  /** Answers bytes that are no message, as far as that can be done. */
  async #refuse(fault: Fault): Promise<void> {
    const { protocol, framed, onError } = this.#options;
    const error = new KitError(fault.code, `Cannot decode message as ${fault.reason}`);
    try {
      onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
    const bytes = encodeException(protocol, { name: "", type: 0, seqid: 0 }, error);
    this.#turn("transfer");
    try {
      await writeAll(this.#socket, enframe(bytes, framed));
      await this.#socket.closeWrite();
      // To close while bytes are unread would take the reply away again.
      const rest = new Uint8Array(65_536);
      let size = await this.#reading;
      for (let i = 0; size !== null && i < MAX_LAST_READS; i++) {
        size = await this.#socket.read(rest);
      }
    } catch {
      // The other side does not want it.
    }
  }
}

function isOneway(message: Uint8Array, { protocol }: Framing): boolean {
  try {
    const input = readerOf(protocol, { maxDepth: 1, maxItems: 0 });
    return input.attach(message).messageBegin().type === ONEWAY;
  } catch {
    return false;
  }
}

function gone(): KitError {
  return new KitError("cancelled", "Caller has gone");
}
