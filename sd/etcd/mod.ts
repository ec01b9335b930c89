/**
 * Service discovery by etcd, version 3: over its JSON gateway (`/v3/`, etcd 3.4 and later), without
 * any dependency. Instances that Go kit's `sd/etcdv3` registered are found, and the other way round.
 *
 * ```ts
 * import { endpointer } from "@kit/sd";
 * import { etcdInstancer, etcdRegistrar } from "@kit/sd/etcd";
 * import assert from "node:assert/strict";
 *
 * const etcd = { endpoints: ["http://127.0.0.1:2379"], username: "stringsvc", password: "s3cret" };
 *
 * // Who calls: endpoints that follow the keys, and stay usable while etcd is away.
 * await using instancer = etcdInstancer("/services/stringsvc/", etcd);
 * await using names = endpointer(instancer, ({ address }) => () => Promise.resolve(address));
 * assert.deepEqual(names.endpoints(), []); // Nobody has answered yet.
 *
 * // Who serves: the key is there until this is disposed of, or the process dies.
 * await using registrar = etcdRegistrar("/services/stringsvc/", "127.0.0.1:8080", etcd);
 * await registrar.register().catch(({ message }) => console.log(message));
 * ```
 *
 * TLS is the business of `fetch`. Deno trusts another authority, or shows a client certificate, by
 *
 * ```ts ignore
 * const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile("ca.pem")] });
 * const etcd = {
 *   endpoints: ["https://etcd1:2379", "https://etcd2:2379"],
 *   fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, { ...init, client }),
 * };
 * ```
 *
 * A role needs to read the prefix to discover, and to write the key to register; if it may also read
 * the key, one that somebody deleted is noticed and put again.
 * @module
 */
export * from "./instancer.ts";
export * from "./options.ts";
export * from "./registrar.ts";
