/**
 * Real ZooKeeper servers, and kazoo as another client of them.
 * @module
 */
import { fileURLToPath } from "node:url";
import { eventually, freePort, ServerProcess } from "../../testdata/server_process.ts";

function setting(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`${name} is not set: fetch_zookeeper sets it`);
  return value;
}

/** A server whose state is in a folder of its own. */
export interface ZookeeperProcess extends AsyncDisposable {
  readonly port: number;
  readonly process: ServerProcess;
  /** Deletes all that it knows; it must not be running. */
  loseState(): Promise<void>;
}

/** Starts a server; with `members` it is number `id` of an ensemble. */
export async function startZookeeper(
  { id = 0, members = [] }: { id?: number; members?: readonly string[] } = {},
): Promise<ZookeeperProcess> {
  const folder = await Deno.makeTempDir({ prefix: "kit_zookeeper_" });
  const data = `${folder}/data`;
  const port = freePort();
  await Deno.writeTextFile(
    `${folder}/zoo.cfg`,
    [
      "tickTime=200",
      "initLimit=25",
      "syncLimit=10",
      "maxClientCnxns=0",
      `dataDir=${data}`,
      `clientPort=${port}`,
      "clientPortAddress=127.0.0.1",
      "admin.enableServer=false",
      ...members.map((member, i) => `server.${i + 1}=${member}`),
    ].join("\n"),
  );
  await Deno.mkdir(data);
  if (members.length > 0) await Deno.writeTextFile(`${data}/myid`, `${id}`);
  const args = [
    ...["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync=no"],
    ...["-Dzookeeper.preAllocSize=1024", "-cp", setting("KIT_ZOOKEEPER_CLASSPATH")],
    ...["org.apache.zookeeper.server.quorum.QuorumPeerMain", `${folder}/zoo.cfg`],
  ];
  const process = await ServerProcess.start(port, "java", args);
  await eventually(() => serves(port), { withinMs: 60_000, everyMs: 50 });
  return {
    port,
    process,
    async loseState() {
      await Deno.remove(data, { recursive: true });
      await Deno.mkdir(data);
    },
    async [Symbol.asyncDispose]() {
      await process.kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Tells whether a server has begun to serve, which it does some time after it listens. */
async function serves(port: number): Promise<boolean> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode("srvr"));
  const buffer = new Uint8Array(4096);
  const length = await connection.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length)).includes("Zxid");
}

/** Starts an ensemble of three. */
export function startEnsemble(): Promise<ZookeeperProcess[]> {
  const members = Array.from({ length: 3 }, () => `127.0.0.1:${freePort()}:${freePort()}`);
  return Promise.all(members.map((_, i) => startZookeeper({ id: i + 1, members })));
}

/** A command of `peer.py` that runs until it is disposed of, or ends by itself. */
export class Peer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(port: number, ...args: readonly string[]) {
    this.#child = new Deno.Command("python3", {
      args: [fileURLToPath(import.meta.resolve("./peer.py")), `127.0.0.1:${port}`, ...args],
      env: { PYTHONPATH: setting("KIT_KAZOO") },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** Gives the next line that it prints. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("The peer has ended");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close().catch(() => {});
    while (!(await this.#lines.next()).done);
    await this.#child.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
