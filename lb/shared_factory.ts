/**
 * One connection for each instance, for all the methods of a service.
 * @module
 */
import type { Endpoint } from "@kit/endpoint";
import type { Closable, Factory, Instance } from "@kit/sd";

/**
 * Makes the factory of one method from what it does with a connection.
 * @typeParam Connection What is shared.
 */
export type SharedFactory<Connection> = <Req, Res>(
  use: (connection: Connection, instance: Instance) => Endpoint<Req, Res>,
) => Factory<Req, Res>;

interface Held<Connection> {
  readonly connection: Connection;
  users: number;
}

/**
 * Shares one connection to each instance among the methods of a service. It is made for the first
 * endpoint of the instance, and closed with the last: by `close()`, `Symbol.asyncDispose` or
 * `Symbol.dispose`, the first of them that it has.
 * @typeParam Connection What is shared.
 * @param connect Makes the connection to an instance.
 * @returns What makes the factory of each method.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { balanced, sharedFactory } from "@kit/lb";
 * import { fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * let connections = 0;
 * const client = sharedFactory(({ address }) => {
 *   connections++;
 *   return { send: (text: string) => Promise.resolve(`${address} got ${text}`), close() {} };
 * });
 * const instances = fixed(["a:80"]);
 * await using sum = balanced(instances, client((to) => (n: number) => to.send(`sum ${n}`)));
 * await using concat = balanced(instances, client((to) => (s: string) => to.send(`concat ${s}`)));
 * assert.equal(await sum(1, background()), "a:80 got sum 1");
 * assert.equal(await concat("x", background()), "a:80 got concat x");
 * assert.equal(connections, 1);
 * ```
 */
export function sharedFactory<Connection extends object>(
  connect: (instance: Instance) => Connection,
): SharedFactory<Connection> {
  const held = new Map<string, Held<Connection>>();

  function take(instance: Instance): Held<Connection> {
    const { address } = instance;
    let holder = held.get(address);
    if (holder === undefined) {
      held.set(address, holder = { connection: connect(instance), users: 0 });
    }
    holder.users++;
    return holder;
  }

  async function release(address: string, holder: Held<Connection>): Promise<void> {
    if (--holder.users > 0) return;
    // Before it is closed, so that who comes meanwhile gets a new one.
    held.delete(address);
    await close(holder.connection);
  }

  return (use) => (instance) => {
    const holder = take(instance);
    const free = () => release(instance.address, holder);
    try {
      return { endpoint: use(holder.connection, instance), close: free };
    } catch (error) {
      free().catch(() => {});
      throw error;
    }
  };
}

async function close(connection: Closable): Promise<void> {
  if (typeof connection.close === "function") await connection.close();
  else if (connection[Symbol.asyncDispose] !== undefined) await connection[Symbol.asyncDispose]!();
  else connection[Symbol.dispose]?.();
}
