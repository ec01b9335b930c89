/**
 * A ZooKeeper in memory, for faults that a real one cannot be made to show.
 * @module
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { FrameSplitter, JuteReader, JuteWriter } from "../_jute.ts";

interface FakeNode {
  data: Uint8Array;
  owner: bigint;
  next: number;
}

/** A request, as the server reads it. */
export interface FakeRequest {
  readonly op: string;
  readonly path: string;
}

/**
 * What becomes of a request: a number refuses it with this error, `"lose"` does it and cuts the
 * connection instead of answering, `"swallow"` never answers; bytes are answered as they are.
 */
export type Fate = number | "lose" | "swallow" | Uint8Array | undefined;

const READ_ONLY = false;

const OPS: Readonly<Record<number, string>> = {
  [-11]: "close",
  1: "create",
  2: "delete",
  3: "exists",
  4: "getData",
  8: "getChildren",
  11: "ping",
  100: "auth",
};

export class FakeZookeeper {
  readonly nodes = new Map<string, FakeNode>();
  /** All that was asked. */
  readonly requests: FakeRequest[] = [];
  /** Which server each connection was made to. */
  readonly dialled: string[] = [];
  readonly sessions = new Set<bigint>();
  /** The connections that are open. */
  readonly links = new Set<Link>();
  /** What becomes of the next connections. */
  greeting: "serve" | "refuse" | "hang up" | "say nothing" | Uint8Array = "serve";
  /** Decides about each request. */
  fate: (request: FakeRequest) => Fate = () => undefined;
  /** A session is refused to those who have seen more than this. */
  zxid = 1n;
  lastSession = 0n;

  constructor() {
    this.put("", "");
  }

  readonly connect = ({ host, port }: { host: string; port: number }): Duplex => {
    this.dialled.push(`${host}:${port}`);
    const link = new Link(this);
    if (!link.destroyed) this.links.add(link);
    return link;
  };

  count(op: string): number {
    return this.requests.filter((request) => request.op === op).length;
  }

  children(path: string): string[] {
    const names = [...this.nodes.keys()].filter((one) => one.startsWith(`${path}/`))
      .map((one) => one.slice(path.length + 1));
    return names.filter((name) => !name.includes("/"));
  }

  data(path: string): string | undefined {
    const node = this.nodes.get(path);
    return node && new TextDecoder().decode(node.data);
  }

  /** Creates a node with those above it, or changes it. */
  put(path: string, data: string, owner = 0n): void {
    const bytes = new TextEncoder().encode(data);
    const node = this.nodes.get(path);
    this.zxid++;
    if (node !== undefined) {
      node.data = bytes;
      return this.#fire(3, path, ["data"]);
    }
    const above = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (!this.nodes.has(above) && path !== "") this.put(above, "");
    this.nodes.set(path, { data: bytes, owner, next: 0 });
    this.#fire(1, path, ["data"]);
    if (path !== "") this.#fire(4, above, ["children"]);
  }

  delete(path: string): void {
    this.nodes.delete(path);
    this.zxid++;
    this.#fire(2, path, ["data", "children"]);
    this.#fire(4, path.slice(0, path.lastIndexOf("/")), ["children"]);
  }

  /** Ends a session, as its timeout does. */
  expire(session: bigint): void {
    this.sessions.delete(session);
    for (const [path, { owner }] of this.nodes) if (owner === session) this.delete(path);
    for (const link of this.links) if (link.session === session) link.destroy();
  }

  /** Breaks all connections. */
  cut(): void {
    for (const link of this.links) link.destroy();
  }

  #fire(type: number, path: string, kinds: readonly string[]): void {
    for (const link of this.links) link.fire(type, path, kinds);
  }
}

/** A connection: the client has its one end, and this is the other. */
class Link extends Duplex {
  readonly #server: FakeZookeeper;
  readonly #frames = new FrameSplitter(1e6);
  readonly #watches = new Set<string>();
  session: bigint | undefined;

  constructor(server: FakeZookeeper) {
    super();
    this.#server = server;
    const { greeting } = server;
    if (greeting === "refuse") this.destroy(new Error("refused"));
    else if (greeting instanceof Uint8Array) this.push(Buffer.from(greeting));
  }

  fire(type: number, path: string, kinds: readonly string[]): void {
    const watched = kinds.filter((kind) => this.#watches.delete(`${kind} ${path}`));
    if (watched.length === 0) return;
    this.#say(new JuteWriter().int(-1).long(-1n).int(0).int(type).int(3).string(path));
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _: string, done: (error?: Error) => void): void {
    done();
    for (const frame of this.#frames.push(new Uint8Array(chunk))) {
      const reader = new JuteReader(frame);
      if (this.session === undefined) this.#greet(reader);
      else this.#hear(reader);
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#server.links.delete(this);
    done(error);
  }

  #say(writer: JuteWriter): void {
    if (!this.destroyed) this.push(Buffer.from(writer.frame()));
  }

  #greet(reader: JuteReader): void {
    const server = this.#server;
    if (server.greeting === "say nothing") return;
    reader.int();
    const zxid = reader.long();
    const timeoutMs = reader.int();
    const wanted = reader.long();
    if (server.greeting === "hang up" || zxid > server.zxid) {
      this.push(null);
      return;
    }
    const isOwn = reader.buffer().every((byte) => byte === (wanted === 0n ? 0 : 7));
    if (!isOwn || wanted !== 0n && !server.sessions.has(wanted)) {
      this.session = 0n;
      this.#say(new JuteWriter().int(0).int(0).long(0n).buffer(new Uint8Array(16)).bool(READ_ONLY));
      this.push(null);
      return;
    }
    this.session = wanted === 0n ? ++server.lastSession : wanted;
    server.sessions.add(this.session);
    const password = new Uint8Array(16).fill(7);
    this.#say(
      new JuteWriter().int(0).int(timeoutMs).long(this.session).buffer(password).bool(READ_ONLY),
    );
  }

  #hear(reader: JuteReader): void {
    const server = this.#server;
    const xid = reader.int();
    const op = OPS[reader.int()]!;
    const path = ["ping", "auth", "close"].includes(op) ? "" : reader.string();
    const request = { op, path };
    server.requests.push(request);
    const fate = server.fate(request);
    if (fate === "swallow") return;
    if (fate instanceof Uint8Array) return void this.push(Buffer.from(fate));
    const body = new JuteWriter();
    const error = typeof fate === "number" ? fate : this.#do(op, path, reader, body);
    if (fate === "lose") return void this.destroy();
    const head = new JuteWriter().int(xid).long(server.zxid).int(error);
    const bytes = Buffer.concat([head.frame(), body.frame().subarray(4)]);
    bytes.writeInt32BE(bytes.length - 4);
    if (!this.destroyed) this.push(bytes);
  }

  /** Does what was asked, writes the answer, and gives the error. */
  #do(op: string, path: string, reader: JuteReader, body: JuteWriter): number {
    const server = this.#server;
    const node = server.nodes.get(path);
    const stat = () => {
      for (let i = 0; i < 4; i++) body.long(0n);
      for (let i = 0; i < 3; i++) body.int(0);
      body.long(server.nodes.get(path)!.owner).int(0).int(0).long(0n);
    };
    if (op === "close") {
      server.sessions.delete(this.session!);
      for (const [at, { owner }] of server.nodes) if (owner === this.session) server.delete(at);
    }
    if (op === "exists") this.#watches.add(`data ${path}`);
    if (["exists", "getData", "getChildren", "delete"].includes(op) && node === undefined) {
      return -101;
    }
    if (op === "exists") stat();
    if (op === "getData") {
      this.#watches.add(`data ${path}`);
      body.buffer(node!.data);
      stat();
    }
    if (op === "getChildren") {
      this.#watches.add(`children ${path}`);
      body.vector(server.children(path), (name) => body.string(name));
    }
    if (op === "delete") server.delete(path);
    if (op === "create") return this.#create(path, reader, body);
    return 0;
  }

  #create(path: string, reader: JuteReader, body: JuteWriter): number {
    const server = this.#server;
    const data = new TextDecoder().decode(reader.buffer());
    reader.vector(4, () => [reader.int(), reader.string(), reader.string()]);
    const mode = reader.int();
    const above = server.nodes.get(path.slice(0, path.lastIndexOf("/")));
    if (above === undefined) return -101;
    const full = mode === 3 ? `${path}${String(above.next++).padStart(10, "0")}` : path;
    if (server.nodes.has(full)) return -110;
    server.put(full, data, mode === 0 ? 0n : this.session);
    body.string(full);
    return 0;
  }
}
