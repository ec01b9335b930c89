/**
 * Go's own net/rpc as a peer, and the types of its programs.
 * Named as a test, so that it is not published.
 * @module
 */
import assert from "node:assert/strict";
import * as gob from "./gob/mod.ts";

/** Where the peer is, if it was built. */
export const PEER = Deno.env.get("KIT_NETRPC");

/** Defines a test that needs the peer. */
export function test(name: string, fn: () => Promise<void>): void {
  const isMissing = PEER === undefined;
  Deno.test({ name: isMissing ? `${name} (KIT_NETRPC is missing)` : name, ignore: isMissing, fn });
}

/** The peer, running. */
export class Peer implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(...args: readonly string[]) {
    this.child = new Deno.Command(PEER!, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts a server, and tells where it is. */
  static async server(codec: string, over = "tcp"): Promise<Peer & { target: string }> {
    const peer = new Peer("server", codec, over);
    return Object.assign(peer, { target: `127.0.0.1:${await peer.line()}` });
  }

  async line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#lines.read();
      assert(!done, "The peer has ended");
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#lines.cancel();
    await this.child.status;
  }
}

export const Args = gob.struct("Args", { a: gob.int, b: gob.int });
export const Quotient = gob.struct("Quotient", { quo: gob.int, rem: gob.int });

const { pointer, slice, map, struct, string, bytes } = gob;
const Inner = struct("Inner", { name: string, depth: pointer(pointer(gob.int64)) });
const Plain = struct("Plain", {
  bool: gob.bool,
  int: gob.int64,
  int8: gob.int8,
  int16: gob.int16,
  int32: gob.int32,
  uint: gob.uint64,
  uint8: gob.uint8,
  uint16: gob.uint16,
  uint32: gob.uint32,
  float: gob.float,
  float32: gob.float,
  complex: gob.complex,
  string,
  bytes,
  inner: Inner,
  pointer: pointer(Inner),
  number: pointer(gob.int32),
  ints: slice(gob.int32),
  bools: slice(gob.bool),
  strings: slice(string),
  floats: slice(gob.float),
  inners: slice(Inner),
  pointers: slice(map(string, gob.int16)),
  nested: slice(slice(string)),
  array: gob.array(3, gob.int16),
  key: gob.array(4, gob.uint8),
  map: pointer(map(string, gob.int32)),
  byNumber: pointer(map(gob.int64, slice(string))),
  mapOfMaps: pointer(map(string, map(gob.bool, Inner))),
  structKeys: pointer(map(gob.array(2, gob.int8), string)),
});

interface TreeValue {
  value: number;
  left: TreeValue | null;
  right: TreeValue | null;
}
const Tree: gob.GobType<TreeValue> = struct("Tree", {
  value: gob.int,
  left: gob.lazy(() => pointer(Tree)),
  right: gob.lazy(() => pointer(Tree)),
});
type AnyValue = { readonly name: string; readonly value: unknown } | null;
const Any: gob.GobType<AnyValue> = gob.anyOf({
  int: gob.int,
  string,
  bool: gob.bool,
  float64: gob.float,
  "[]uint8": bytes,
  "main.Circle": struct("Circle", { radius: gob.float, tags: slice(string) }),
  "main.Label": string,
  "main.Tree": Tree,
  "[]interface {}": slice(gob.lazy(() => Any)),
});

/** Every kind of type that gob knows. */
export const Everything = struct("Everything", {
  plain: Plain,
  any: Any,
  anys: slice(Any),
  time: gob.timeNs,
  when: pointer(gob.timeNs),
  address: gob.opaque<Uint8Array>("Address", {
    by: "binary",
    encode: (value) => value,
    decode: (value) => value,
    zero: () => new Uint8Array(0),
  }),
  tree: pointer(Tree),
  last: gob.int8,
});

interface SimpleValue {
  id: bigint;
  name: string;
  data: Uint8Array;
  ages: Map<string, number>;
  byAge: Map<bigint, string>;
  when: bigint;
  next: SimpleValue | null;
  list: number[];
  array: boolean[];
}
const NAMES: Record<string, string> = { name: "full_name", byAge: "by_age" };

/** What JSON can carry. */
export const Simple: gob.GobType<SimpleValue> = struct("Simple", {
  id: gob.int64,
  name: string,
  data: bytes,
  ages: map(string, gob.int),
  byAge: map(gob.uint64, string),
  when: gob.timeNs,
  next: gob.lazy(() => pointer(Simple)),
  list: slice(gob.float),
  array: gob.array(2, gob.bool),
}, { jsonName: (key) => NAMES[key] ?? key });
