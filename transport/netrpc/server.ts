/**
 * The methods of a server, by name.
 * @module
 */
import { KitError } from "@kit/endpoint";
import type { Method } from "./method.ts";

/** The methods of a server, by name; {@linkcode serve} serves them. */
export interface NetrpcServer {
  /** The names of its methods. */
  readonly methods: readonly string[];
  /**
   * Finds a method.
   * @param name Its name.
   * @returns The method.
   * @throws {KitError} With the code and the text that Go's server has for one that it does not know.
   */
  find(name: string): Method;
}

/**
 * Gathers methods into a server.
 * @param methods The methods by name, each of the form `Service.Method`.
 * @returns The server.
 * @throws {TypeError} If a name is not of that form.
 * @example Usage
 * ```ts
 * import { method, server } from "@kit/transport/netrpc";
 * import { int } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const double = method((n: number) => Promise.resolve(n * 2), { args: int, reply: int });
 * const arith = server({ "Arith.Double": double });
 * assert.throws(() => arith.find("Arith.Half"), {
 *   code: "unimplemented",
 *   message: "rpc: can't find method Arith.Half",
 * });
 * ```
 */
export function server(methods: Readonly<Record<string, Method>>): NetrpcServer {
  const byName = new Map(Object.entries(methods));
  const services = new Set<string>();
  for (const name of byName.keys()) {
    const dot = name.lastIndexOf(".");
    if (dot < 1 || dot === name.length - 1) {
      throw new TypeError(
        `Cannot serve method as its name must be "Service.Method": current value is "${name}"`,
      );
    }
    services.add(name.slice(0, dot));
  }
  return {
    methods: [...byName.keys()],
    find: (name) => {
      const found = byName.get(name);
      if (found !== undefined) return found;
      const dot = name.lastIndexOf(".");
      if (dot < 0) {
        const text = `rpc: service/method request ill-formed: ${name}`;
        throw new KitError("invalid_argument", text);
      }
      const what = services.has(name.slice(0, dot)) ? "method" : "service";
      throw new KitError("unimplemented", `rpc: can't find ${what} ${name}`);
    },
  };
}
