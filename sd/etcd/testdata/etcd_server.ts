/**
 * Real etcd servers, and what tests do to their keys by hand.
 * @module
 */
import { eventually, freePort, ServerProcess } from "../../testdata/server_process.ts";
import { type Answer, decodeText, encodeText, prefixRange } from "../_wire.ts";

/** Where etcd and its client are, if they are here. */
export const ETCD = Deno.env.get("KIT_ETCD");
export const ETCDCTL = Deno.env.get("KIT_ETCDCTL");

/** An etcd server in a folder of its own. */
export class Etcd implements AsyncDisposable {
  /** Sent with each request of the test itself. */
  token = "";

  private constructor(
    readonly port: number,
    readonly folder: string,
    readonly process: ServerProcess,
    readonly url: string,
  ) {}

  /** Starts one that is a cluster of its own, unless it is told its peers. */
  static async start(
    { args = [], scheme = "http", name = "one", peerPort = freePort(), cluster = "" }: {
      args?: readonly string[];
      scheme?: "http" | "https";
      name?: string;
      peerPort?: number;
      cluster?: string;
    } = {},
  ): Promise<Etcd> {
    const folder = await Deno.makeTempDir({ prefix: "kit-etcd-" });
    const port = freePort();
    const url = `${scheme}://127.0.0.1:${port}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const process = await ServerProcess.start(port, ETCD!, [
      ...["--name", name, "--data-dir", `${folder}/data`, "--unsafe-no-fsync"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", cluster || `${name}=${peer}`],
      ...args,
    ]);
    return new Etcd(port, folder, process, url);
  }

  /** Starts a cluster. */
  static async startCluster(size: number): Promise<Etcd[]> {
    const ports = Array.from({ length: size }, freePort);
    const cluster = ports.map((port, i) => `n${i}=http://127.0.0.1:${port}`).join(",");
    return await Promise.all(
      ports.map((peerPort, i) => Etcd.start({ name: `n${i}`, peerPort, cluster })),
    );
  }

  /** Asks something; it waits for a server that has just been started. */
  async post(path: string, body: unknown): Promise<Answer> {
    let answer: Answer = {};
    await eventually(async () => {
      const response = await fetch(`${this.url}/v3/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
        ...(this.token !== "" && { headers: { authorization: this.token } }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      answer = JSON.parse(text);
    });
    return answer;
  }

  put(key: string, value: string): Promise<Answer> {
    return this.post("kv/put", { key: encodeText(key), value: encodeText(value) });
  }

  delete(key: string): Promise<Answer> {
    return this.post("kv/deleterange", { key: encodeText(key) });
  }

  /** The keys below a prefix, with their values and leases. */
  async list(prefix: string): Promise<Record<string, { value: string; lease: string }>> {
    const { kvs = [] } = await this.post("kv/range", prefixRange(prefix));
    return Object.fromEntries(
      kvs.map(({ key, value = "", lease = "0" }: { key: string; value?: string; lease?: string }) =>
        [decodeText(key), { value: decodeText(value), lease }] as const
      ),
    );
  }

  /** Forgets what was before now. */
  async compact(): Promise<void> {
    const { header } = await this.post("kv/range", { key: encodeText("x") });
    await this.post("kv/compaction", { revision: header!.revision });
  }

  /** Loses what it stored, while it is down. */
  async wipe(): Promise<void> {
    await Deno.remove(`${this.folder}/data`, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Runs a program and gives what it prints. */
export async function run(program: string, args: string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    env: { ETCDCTL_API: "3" },
    ...(cwd !== undefined && { cwd }),
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
