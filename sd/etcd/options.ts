/**
 * What instancer and registrar have to know of an etcd.
 * @module
 */
import type { StatusOptions } from "@kit/sd/status";

/** Options that {@linkcode etcdInstancer} and {@linkcode etcdRegistrar} share. */
export interface EtcdOptions extends StatusOptions {
  /**
   * The members of the cluster as URLs, in a list or with commas between them; `http://` when no
   * scheme is given. One of them is used until it fails, the first is picked at random.
   * @default {"http://127.0.0.1:2379"}
   */
  readonly endpoints?: string | readonly string[];
  /** The name to log in with, if etcd asks for one. */
  readonly username?: string;
  /** The password to log in with. It is in no error and in no status. */
  readonly password?: string;
  /**
   * How long one member may take to answer, in milliseconds; then the next is asked.
   * @default {3000}
   */
  readonly requestTimeoutMs?: number;
  /**
   * Gives numbers from 0 up to 1, for the first member and the length of pauses.
   * @default {Math.random}
   */
  readonly random?: () => number;
  /**
   * Sends requests. The place for a certificate authority, a client certificate or a proxy.
   * @default {globalThis.fetch}
   */
  readonly fetch?: typeof fetch;
}
