/**
 * A RabbitMQ server for the integration tests: started, killed and started again at will.
 * @module
 */
import { delay } from "@kit/endpoint";
import { eventually } from "../../../sd/testdata/server_process.ts";

/** The folder of the server, if it was fetched. */
export const RABBITMQ: string | undefined = Deno.env.get("KIT_RABBITMQ");

/**
 * A port below those that the system gives to outgoing connections: one of those that knocks at
 * itself until somebody answers may meet itself there.
 */
function port(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch {
      // It is taken.
    }
  }
}

/** A node of its own, with a folder of its own. */
export class RabbitMq implements AsyncDisposable {
  readonly port: number = port();
  readonly #epmdPort = port();
  readonly #folder = Deno.makeTempDirSync();
  readonly #epmd: Deno.ChildProcess;
  #node: Deno.ChildProcess | undefined;

  private constructor() {
    // The node would start one by itself, which would outlive it.
    this.#epmd = this.#run(`${RABBITMQ}/usr/lib/erlang/bin/epmd`, [
      "-port",
      String(this.#epmdPort),
    ]);
  }

  static async start(): Promise<RabbitMq> {
    const server = new RabbitMq();
    await server.start();
    return server;
  }

  get url(): string {
    return `amqp://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const hostname = "127.0.0.1";
    await eventually(async () => {
      (await Deno.connect({ hostname, port: this.#epmdPort })).close();
    });
    this.#node = this.#run(`${RABBITMQ}/server`, ["-noinput"]);
    await eventually(async () => {
      const connection = await Deno.connect({ hostname, port: this.port });
      try {
        // It listens before it takes connections.
        await connection.write(new TextEncoder().encode("AMQP\0\0\x09\x01"));
        return await connection.read(new Uint8Array(8)) !== null;
      } finally {
        connection.close();
      }
    }, { withinMs: 60_000, everyMs: 100 });
  }

  /** Ends the node at once, without a chance to say goodbye. */
  async kill(): Promise<void> {
    this.#node?.kill("SIGKILL");
    await this.#node?.status;
    this.#node = undefined;
  }

  /** Ends it where nothing can be waited for. */
  end(): void {
    this.#node?.kill("SIGKILL");
    this.#epmd.kill("SIGKILL");
    Deno.removeSync(this.#folder, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#epmd.kill("SIGKILL");
    await this.#epmd.status;
    // Helpers of the node may take a moment to notice that it is gone.
    await delay(50);
    await Deno.remove(this.#folder, { recursive: true });
  }

  #run(program: string, args: string[]): Deno.ChildProcess {
    const folder = this.#folder;
    return new Deno.Command(program, {
      args,
      env: {
        HOME: folder,
        ERL_EPMD_ADDRESS: "127.0.0.1",
        ERL_EPMD_PORT: String(this.#epmdPort),
        RABBITMQ_ALLOW_INPUT: "1",
        RABBITMQ_NODENAME: `kit${this.port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
        RABBITMQ_NODE_PORT: String(this.port),
        RABBITMQ_DIST_PORT: String(this.port + 1),
        RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
        RABBITMQ_LOG_BASE: `${folder}/log`,
        RABBITMQ_CONF_ENV_FILE: `${folder}/none`,
        RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq`,
        RABBITMQ_ADVANCED_CONFIG_FILE: `${folder}/advanced`,
        RABBITMQ_GENERATED_CONFIG_DIR: `${folder}/config`,
        RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
        RABBITMQ_PID_FILE: `${folder}/pid`,
        RABBITMQ_SCHEMA_DIR: `${folder}/schema`,
      },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }
}
