/**
 * What several tests of this folder share. Named as a test, so that it is not published.
 * @module
 */
import { KitError } from "@kit/endpoint";
import * as thrift from "./mod.ts";

const { field, list, map, set } = thrift;

// The runtime loads its timers when they are first named. Where that happens within a test, its
// sanitizer may take a timer that was cleared for one that leaks (Deno 2.9.6).
void globalThis.setTimeout;

/** The address of the tests' own servers. */
export const HOST = "127.0.0.1";

export const PROTOCOLS: readonly thrift.Protocol[] = ["binary", "compact", "json"];

export const Color = thrift.enumeration("Color", { red: 1, green: 2 });

export const Leaf = thrift.struct("Leaf", {
  id: field(1, thrift.i32),
  label: field(2, thrift.string, { optional: true }),
});

export const Size = thrift.union("Size", {
  exact: field(1, thrift.double),
  named: field(2, thrift.string),
});

/** As `testdata/gauntlet.thrift` has it. */
export const Everything = thrift.struct("Everything", {
  yes: field(1, thrift.bool),
  tiny: field(2, thrift.i8),
  small: field(3, thrift.i16),
  medium: field(4, thrift.i32),
  large: field(5, thrift.i64),
  real: field(6, thrift.double),
  text: field(7, thrift.string),
  bytes: field(8, thrift.binary),
  numbers: field(9, list(thrift.i32)),
  names: field(10, set(thrift.string)),
  counts: field(11, map(thrift.string, thrift.i64)),
  color: field(12, Color),
  leaf: field(13, Leaf),
  nested: field(14, list(map(thrift.i32, list(thrift.bool)))),
  absent: field(15, thrift.string, { optional: true }),
  flags: field(16, list(thrift.bool)),
  size: field(17, Size),
  leaves: field(18, map(thrift.i32, Leaf)),
  many: field(19, list(Leaf)),
  far: field(200, thrift.i32, { default: 7 }),
  no: field(201, thrift.bool, { optional: true }),
});

export const NotFound = thrift.exception("NotFound", {
  id: field(1, thrift.string),
  message: field(2, thrift.string),
}, { code: "not_found" });

export const SumReply = thrift.struct("SumReply", {
  value: field(1, thrift.i64),
  err: field(2, thrift.string, { default: "" }),
});

export const Gauntlet = thrift.service("Gauntlet", {
  echo: thrift.method({ args: { value: field(1, Everything) }, result: Everything }),
  sum: thrift.method({
    args: { a: field(1, thrift.i64), b: field(2, thrift.i64) },
    result: SumReply,
  }),
  find: thrift.method({
    args: { id: field(1, thrift.string) },
    result: thrift.string,
    throws: { notFound: field(1, NotFound) },
  }),
  ping: thrift.method(),
  tell: thrift.method({ args: { text: field(1, thrift.string) }, oneway: true }),
  told: thrift.method({ result: thrift.string }),
  fail: thrift.method({ args: { how: field(1, thrift.string) } }),
  slow: thrift.method({ args: { ms: field(1, thrift.i32) }, result: thrift.i32 }),
});

/** One of each, at the edges. */
export const everything: thrift.Infer<typeof Everything> = {
  yes: true,
  tiny: -128,
  small: -32768,
  medium: -2147483648,
  large: -(2n ** 63n),
  real: -1.5e-300,
  text: 'héllo "\\\n€ 😀',
  bytes: Uint8Array.from({ length: 256 }, (_, i) => i),
  numbers: Array.from({ length: 40 }, (_, i) => i - 20),
  names: new Set(["a", "b", "é"]),
  counts: new Map([["min", -(2n ** 63n)], ["max", 2n ** 63n - 1n], ["zero", 0n]]),
  color: "green",
  leaf: { id: 1, label: "one" },
  nested: [new Map([[1, [true, false]], [-5, []]]), new Map()],
  flags: [true, false, true],
  size: { type: "named", value: "large" },
  leaves: new Map([[7, { id: 7 }], [-7, { id: -7, label: "" }]]),
  many: Array.from({ length: 20 }, (_, id) => ({ id })),
  far: -1,
  no: false,
};

/** A processor of the gauntlet, with the handlers that a test has an eye on. */
export function processor(
  handlers: Partial<thrift.Handlers<typeof Gauntlet.methods>> = {},
  options: thrift.ServerOptions = {},
): thrift.Processor {
  const heard: string[] = [];
  return thrift.server(Gauntlet, {
    echo: ({ value }) => Promise.resolve(value),
    sum: ({ a, b }) => Promise.resolve({ value: a + b, err: "" }),
    find: ({ id }) =>
      id === "missing"
        ? Promise.reject(new NotFound({ id, message: "no such thing" }))
        : Promise.resolve(`found ${id}`),
    ping: () => Promise.resolve(),
    tell: ({ text }) => Promise.resolve(void heard.push(text)),
    told: () => Promise.resolve(heard.shift() ?? ""),
    fail: ({ how }) => Promise.reject(failures[how] ?? new Error("password=hunter2")),
    slow: ({ ms }) => new Promise((resolve) => setTimeout(() => resolve(ms), ms)),
    ...handlers,
  }, options);
}

const failures: Record<string, Error> = {
  kit: new KitError("unavailable", "Busy", { retryAfterMs: 2500, details: [{ shard: 7 }] }),
  internal: new KitError("internal", "Broken"),
};

/** Serves on any free port, without signals. */
export function serving(
  processor: thrift.Processor,
  options: thrift.ServeOptions = {},
): thrift.ThriftServer {
  return thrift.serve(processor, { listen: `${HOST}:0`, signals: [], ...options });
}

/** The endpoints of the gauntlet. */
export function endpoints(connection: thrift.Connection) {
  const { methods } = Gauntlet;
  return {
    echo: thrift.client(connection, methods.echo),
    sum: thrift.client(connection, methods.sum),
    find: thrift.client(connection, methods.find),
    ping: thrift.client(connection, methods.ping),
    tell: thrift.client(connection, methods.tell),
    told: thrift.client(connection, methods.told),
    fail: thrift.client(connection, methods.fail),
    slow: thrift.client(connection, methods.slow),
  };
}
