/**
 * An instance as a key in etcd that lives as long as its lease.
 * @module
 */
import { codeOf, delay, KitError, toKitError } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { parseAddress } from "@kit/sd/address";
import type { Instance } from "@kit/sd/instance";
import type { Registrar } from "@kit/sd/registrar";
import { StatusTracker } from "@kit/sd/status";
import { backoffMs, jittered } from "./_backoff.ts";
import { type CallOptions, EtcdClient } from "./_client.ts";
import { encodeInstance } from "../_instance_text.ts";
import { encodeText } from "./_wire.ts";
import type { EtcdOptions } from "./options.ts";

/** Options for {@linkcode etcdRegistrar}. */
export interface EtcdRegistrarOptions extends EtcdOptions {
  /**
   * What follows the prefix in the key. Two instances with the same key replace each other.
   * @default The address of the instance
   */
  readonly id?: string;
  /**
   * After how many milliseconds of silence etcd deletes the key. It counts in whole seconds, and
   * grants no less than one election takes. The lease is renewed three times as often.
   * @default {10000}
   */
  readonly ttlMs?: number;
  /**
   * Writes the value of the key.
   * @default The address alone if that is all, else JSON
   */
  readonly encode?: (instance: Instance) => string;
}

/**
 * Keeps an instance in etcd: a key with a lease that is renewed after each third of its time. When
 * the lease is lost, because the process slept, the server lost its state or somebody revoked it, a
 * new one is granted and the key is put again; so is a key that somebody deleted. Deregistering
 * revokes the lease, and the key goes with it. A process that dies leaves the key for `ttlMs`.
 * @param prefix What the key begins with, such as `/services/stringsvc/`.
 * @param instance The address, or the instance with all that others should know of it.
 * @param options The members, the credentials, the key and its time.
 * @returns The registrar; nothing is registered yet. Disposing of it deregisters, but does not reject
 * if that fails, as the lease then runs out.
 * @throws {TypeError} If the prefix is empty, the address is none, or an endpoint is no URL.
 * @throws {RangeError} If a time is not positive.
 * @example Usage
 * ```ts
 * import { etcdRegistrar } from "@kit/sd/etcd";
 * import assert from "node:assert/strict";
 * await using registrar = etcdRegistrar("/services/stringsvc/", {
 *   address: "10.0.0.7:8080",
 *   zone: "eu-1a",
 * }, { endpoints: "http://127.0.0.1:1", fetch: () => Promise.reject(new Error("refused")) });
 * await assert.rejects(registrar.register(), { code: "unavailable" });
 * ```
 */
export function etcdRegistrar(
  prefix: string,
  instance: string | Instance,
  options: EtcdRegistrarOptions = {},
): Registrar {
  const whole = typeof instance === "string" ? { address: instance } : instance;
  const { id = whole.address, ttlMs = 10_000, encode = encodeInstance } = options;
  const { requestTimeoutMs = 3000 } = options;
  checkPositive("ttlMs", ttlMs);
  if (prefix === "") throw new TypeError(`Cannot use "prefix" as it is empty`);
  parseAddress(whole.address);
  const key = encodeText(prefix + id);
  const value = encodeText(encode(whole));
  const client = new EtcdClient(options);
  const { clock, random } = client;
  const tracker = new StatusTracker(options);
  const life = new AbortController();
  let lease: string | undefined;
  let beatMs = 0;
  let kept: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function put(bounds: CallOptions): Promise<void> {
    if (lease === undefined) {
      const { ID, TTL } = await client.call("lease/grant", { TTL: seconds(ttlMs) }, bounds);
      if (ID === undefined) throw new KitError("internal", "Cannot use lease as it has no ID");
      lease = ID;
      beatMs = Number(TTL) * 1000 / 3 || ttlMs / 3;
    }
    await client.call("kv/put", { key, value, lease }, bounds);
  }

  async function renew(bounds: CallOptions): Promise<void> {
    if (lease === undefined) return await put(bounds);
    const { result } = await client.call("lease/keepalive", { ID: lease }, bounds);
    const isLost = !(Number(result?.TTL) > 0);
    if (isLost) lease = undefined;
    if (isLost || !await isThere(bounds)) await put(bounds);
  }

  async function isThere(bounds: CallOptions): Promise<boolean> {
    try {
      const { kvs = [] } = await client.call("kv/range", { key, keys_only: true }, bounds);
      return kvs.length > 0;
    } catch (error) {
      if (codeOf(error) === "permission_denied") return true; // It may write, but not look.
      throw error;
    }
  }

  async function keep(signal: AbortSignal): Promise<void> {
    // A member that hangs must not cost the lease.
    const timeoutMs = Math.min(requestTimeoutMs, beatMs);
    for (let failures = 0;;) {
      const pauseMs = failures === 0
        ? jittered(beatMs, random)
        : backoffMs(failures, beatMs, random);
      try {
        await delay(pauseMs, { signal, clock });
        await renew({ signal, timeoutMs });
        failures = 0;
        tracker.set("connected");
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        tracker.set("disconnected", toKitError(error));
      }
    }
  }

  async function revoke(): Promise<void> {
    if (lease === undefined) return;
    const ID = lease;
    lease = undefined;
    try {
      await client.call("lease/revoke", { ID });
    } catch (error) {
      if (codeOf(error) !== "not_found") throw error;
    }
  }

  async function register(): Promise<void> {
    if (kept !== undefined) return;
    try {
      await put({ signal: life.signal });
    } catch (error) {
      await revoke().catch(() => {}); // It runs out by itself.
      const failure = toKitError(error);
      tracker.set("disconnected", failure);
      throw failure;
    }
    tracker.set("connected");
    const stop = new AbortController();
    kept = { stop, done: keep(stop.signal) };
  }

  async function deregister(): Promise<void> {
    if (kept === undefined) return;
    kept.stop.abort();
    await kept.done;
    kept = undefined;
    tracker.set("disconnected");
    await revoke();
  }

  /** One after the other, in the order in which they were asked for. */
  function queue(action: () => Promise<void>): Promise<void> {
    const next = last.then(action);
    last = next.catch(() => {});
    return next;
  }

  return {
    get status() {
      return tracker.status;
    },
    register: () => queue(register),
    deregister: () => queue(deregister),
    async [Symbol.asyncDispose]() {
      life.abort();
      await queue(deregister).catch(() => {});
      tracker.set("closed");
    },
  };
}

function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}
