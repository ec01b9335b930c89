/**
 * Servers of registries, as processes that tests kill and start again.
 * @module
 */
import assert from "node:assert/strict";
import { freePorts } from "./_shared/program.ts";

/** A server of a registry, as a process that can be killed and started again. */
export class Server implements AsyncDisposable {
  #child: Deno.ChildProcess | undefined;

  constructor(readonly port: number, readonly command: readonly string[]) {}

  async start(): Promise<this> {
    const [program = "", ...args] = this.command;
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    this.#child = new Deno.Command(program, { args, ...quiet }).spawn();
    await eventually(async () => (await Deno.connect({ port: this.port })).close());
    return this;
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Waits until something is so. */
export async function eventually(check: () => unknown, withinMs = 30_000): Promise<void> {
  for (const end = Date.now() + withinMs;;) {
    try {
      if (await check() !== false) return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    assert(Date.now() < end, `not so within ${withinMs} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A kind of registry. */
export interface Kind {
  readonly name: string;
  /** The setting that tells where the program of the server is. */
  readonly setting: string;
  /** The command of the server; one in which nobody registers is told the ports of the instances. */
  readonly command: (
    program: string,
    port: number,
    folder: string,
    ports: readonly number[],
  ) => readonly string[];
  /** The URL of the service. */
  readonly url: (port: number) => string;
}

/** The registries in which instances register. */
export const KINDS: readonly Kind[] = [{
  name: "Consul",
  setting: "KIT_CONSUL",
  command(consul, port) {
    const [server, lan, wan] = freePorts(3);
    return [
      ...[consul, "agent", "-dev", `-http-port=${port}`, "-dns-port=-1", "-grpc-port=-1"],
      ...[`-server-port=${server}`, `-serf-lan-port=${lan}`, `-serf-wan-port=${wan}`],
    ];
  },
  url: (port) => `consul://127.0.0.1:${port}/stringsvc`,
}, {
  name: "etcd",
  setting: "KIT_ETCD",
  command(etcd, port, folder) {
    const [url, peer] = [port, freePorts(1)[0]].map((port) => `http://127.0.0.1:${port}`);
    return [
      ...[etcd, "--data-dir", `${folder}/data`, "--listen-client-urls", url!],
      ...["--advertise-client-urls", url!, "--listen-peer-urls", peer!],
      ...["--initial-advertise-peer-urls", peer!, "--initial-cluster", `default=${peer}`],
    ];
  },
  url: (port) => `etcd://127.0.0.1:${port}/services/stringsvc`,
}, {
  name: "ZooKeeper",
  setting: "KIT_ZOOKEEPER_CLASSPATH",
  command(classpath, port, folder) {
    Deno.writeTextFileSync(
      `${folder}/zoo.cfg`,
      `tickTime=500\ndataDir=${folder}\nclientPort=${port}\nadmin.enableServer=false\n`,
    );
    const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    return ["java", "-cp", classpath, main, `${folder}/zoo.cfg`];
  },
  url: (port) => `zk://127.0.0.1:${port}/services/stringsvc`,
}];

/** A registry in which nobody registers: its records are there from the start. */
export const DNS: Kind = {
  name: "DNS",
  setting: "KIT_DNSMASQ",
  command: (dnsmasq, port, _folder, ports) => [
    ...[dnsmasq, `--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces"],
    ...["--keep-in-foreground", "--user=", "--pid-file", "--no-resolv", "--no-hosts"],
    ...["--local=/test/", "--host-record=one.test,127.0.0.1"],
    ...ports.map((port) => `--srv-host=_http._tcp.stringsvc.test,one.test,${port}`),
  ],
  url: (port) => `dns://127.0.0.1:${port}/_http._tcp.stringsvc.test`,
};
