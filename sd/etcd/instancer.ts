/**
 * Instances as keys in etcd.
 * @module
 */
import { delay, KitError, toKitError } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { InstanceCache, type InstanceCacheOptions } from "@kit/sd/cache";
import type { Instance } from "@kit/sd/instance";
import type { RegistryInstancer } from "@kit/sd/instancer";
import { backoffMs, jittered } from "./_backoff.ts";
import { EtcdClient } from "./_client.ts";
import { decodeInstance } from "../_instance_text.ts";
import { type Answer, decodeText, type KeyValue, prefixRange, revisionOf } from "./_wire.ts";
import type { EtcdOptions } from "./options.ts";

/** Options for {@linkcode etcdInstancer}. */
export interface EtcdInstancerOptions extends EtcdOptions, Omit<InstanceCacheOptions, "source"> {
  /**
   * How long one watch stays open, in milliseconds, up to a fifth more or less. Then the next takes
   * over from its revision on, so that nothing is missed; that etcd answers to it is the sign that
   * it still lives. A server that hangs is noticed within this and `requestTimeoutMs`.
   * @default {8000}
   */
  readonly watchMs?: number;
  /**
   * Reads the value of a key. What it throws makes the value a malformed one.
   * @default A `host:port`, a URL, or an {@linkcode Instance} as JSON
   */
  readonly decode?: (value: string) => Instance;
  /**
   * Is told, once for each malformed value, which key has it and why it is none: the place to log.
   */
  readonly onMalformed?: (error: KitError) => void;
}

interface Entry {
  readonly value: string;
  /** What the key held when last it was well-formed. */
  readonly instance: Instance | undefined;
}

const MOST_PAUSE_MS = 15_000;

/**
 * Tells the instances whose addresses are the values of the keys that begin with a prefix, and
 * follows them: it lists them once and watches from the revision of the list on. A watch that breaks
 * is taken up at its revision; the keys are listed again when that is compacted, and after an outage,
 * as the server may have lost its state. Nothing throws because etcd is away: it is tried again and
 * again, with pauses that grow to 15 seconds.
 *
 * A value is `host:port` or a URL, as Go kit writes it; or JSON, `{"address":"a:80","weight":2}` with
 * the fields of an {@linkcode Instance}; or what etcd's resolver for gRPC writes. A key whose value
 * is none of them is told to `onMalformed` and counts with what it held before, if it held anything;
 * the other keys are followed as ever.
 * @param prefix What the keys begin with, such as `/services/stringsvc/`. It is taken as it is: without
 * the slash at its end it also finds `/services/stringsvc2/`.
 * @param options The members, the credentials, how values are read, and what every instancer has.
 * @returns The instancer. Disposing of it ends its requests.
 * @throws {TypeError} If the prefix is empty, or an endpoint is no URL or holds a password.
 * @throws {RangeError} If a time is out of range.
 * @example Usage
 * ```ts
 * import { etcdInstancer } from "@kit/sd/etcd";
 * import assert from "node:assert/strict";
 * await using instancer = etcdInstancer("/services/stringsvc/", {
 *   endpoints: "http://127.0.0.1:2379,http://127.0.0.1:22379",
 *   onStatus: ({ state, lastError }) => console.log(`discovery is ${state}`, lastError),
 *   onMalformed: ({ message }) => console.log(message),
 * });
 * assert.equal(instancer.status.state, "connecting");
 * ```
 */
export function etcdInstancer(
  prefix: string,
  options: EtcdInstancerOptions = {},
): RegistryInstancer {
  const { watchMs = 8000, decode = decodeInstance, onMalformed } = options;
  checkPositive("watchMs", watchMs);
  if (prefix === "") throw new TypeError(`Cannot use "prefix" as it is empty`);
  const client = new EtcdClient(options);
  const { clock, random } = client;
  const source = `etcd://${client.name}${prefix.startsWith("/") ? "" : "/"}${prefix}`;
  const cache = new InstanceCache({ ...options, source });
  const range = prefixRange(prefix);
  const life = new AbortController();
  const { signal } = life;
  let entries = new Map<string, Entry>();
  /** What `entries` are as of; `undefined` asks for a list. */
  let revision: number | undefined;

  function read({ key, value = "" }: KeyValue): Entry {
    const known = entries.get(key);
    if (known?.value === value) return known;
    try {
      return { value, instance: decode(decodeText(value)) };
    } catch (cause) {
      const name = JSON.stringify(decodeText(key));
      const why = cause instanceof Error ? cause.message : String(cause);
      const text = `Cannot use value of ${name} in ${source}: ${why.slice(0, 200)}`;
      onMalformed?.(new KitError("data_loss", text, { cause }));
      return { value, instance: known?.instance };
    }
  }

  function publish(): void {
    const instances = [...entries.values()].flatMap(({ instance }) => instance ?? []);
    cache.update(instances);
  }

  async function list(): Promise<number> {
    const answer = await client.call("kv/range", range, { signal });
    const at = revisionOf(answer);
    entries = new Map(answer.kvs?.map((kv) => [kv.key, read(kv)]));
    publish();
    return at;
  }

  /** Takes in what a watch tells; says whether to go on with it. */
  function take(answers: readonly Answer[]): boolean {
    let hasChanged = cache.status.state !== "connected";
    for (const answer of answers) {
      // A store that is behind has lost what was known, or is a member that lags: the list knows.
      const isBehind = answer.created && revisionOf(answer) < revision!;
      if (isBehind || answer.canceled) {
        revision = undefined;
        return false;
      }
      for (const { type, kv } of answer.events ?? []) {
        hasChanged = true;
        if (type === "DELETE") entries.delete(kv.key);
        else entries.set(kv.key, read(kv));
        revision = Math.max(revision!, Number(kv.mod_revision));
      }
    }
    if (hasChanged) publish();
    return true;
  }

  async function follow(): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        const isFresh = revision === undefined;
        revision ??= await list();
        await client.watch({
          request: { ...range, start_revision: String(revision + 1) },
          lifeMs: jittered(watchMs, random),
          onAnswers: take,
        }, signal);
        if (isFresh && revision === undefined) {
          throw new KitError("aborted", `Cannot follow ${source} as its list is outdated at once`);
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        // The first failure may be a cut, after which the store is the same.
        if (failures++ > 0) revision = undefined;
        cache.fail(toKitError(error));
        const pauseMs = backoffMs(failures, MOST_PAUSE_MS, random);
        await delay(pauseMs, { signal, clock }).catch(() => {});
      }
    }
  }

  const done = follow();
  return {
    get status() {
      return cache.status;
    },
    subscribe: (listener) => cache.subscribe(listener),
    async [Symbol.asyncDispose]() {
      cache[Symbol.dispose]();
      life.abort();
      await done;
    },
  };
}
