/**
 * What instancer and registrar have to know of a ZooKeeper.
 * @module
 */
import type { Duplex } from "node:stream";
import type { StatusOptions } from "@kit/sd/status";

/** Where a ZooKeeper server listens. */
export interface ZookeeperServer {
  /** The host name or the IP address, an IPv6 address without brackets. */
  readonly host: string;
  /** The port. */
  readonly port: number;
}

/** Who one is to ZooKeeper, by its scheme "digest". */
export interface ZookeeperDigest {
  /** How one proves it. */
  readonly scheme: "digest";
  /** The name; it has no colon in it. */
  readonly username: string;
  /** The password. It goes over the wire as it is. */
  readonly password: string;
}

/** Options that instancer and registrar share. */
export interface ZookeeperOptions extends StatusOptions {
  /**
   * The servers as `host:port`, in a list or with commas between them; the port is 2181 when left
   * out. A path at the end, as in `"zk1:2181,zk2:2181/apps"`, is put before every path. They are
   * tried in random order until one answers.
   * @default {"localhost:2181"}
   */
  readonly servers?: string | readonly string[];
  /**
   * After how many milliseconds of silence the server ends the session, and deletes what was
   * registered in it. The server may grant another time. It is pinged three times as often, and a
   * server that does not answer is given up after two thirds of it.
   * @default {10000}
   */
  readonly sessionTimeoutMs?: number;
  /**
   * How long a server may take to accept a connection and grant a session, in milliseconds.
   * @default {2000}
   */
  readonly connectTimeoutMs?: number;
  /** Who one is. Nobody in particular when left out. */
  readonly auth?: ZookeeperDigest;
  /**
   * Gives numbers from 0 up to 1, for the order of the servers and the length of pauses.
   * @default {Math.random}
   */
  readonly random?: () => number;
  /**
   * Opens a connection; `tls.connect` of `node:tls` makes it a secure one.
   * @default {net.connect}
   */
  readonly connect?: (server: ZookeeperServer) => Duplex;
}
