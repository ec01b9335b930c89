/** A session with an ensemble of ZooKeeper servers, over one connection after the other. */
import { delay, type KitError, toKitError } from "@kit/endpoint";
import { backoffMs, type Config, mostPauseMs } from "./_config.ts";
import { Connection } from "./_connection.ts";
import { closeSession, type ConnectAnswer } from "./_protocol.ts";

/** Who is told of a session. */
export interface SessionListener {
  /** There is a connection, and no watch yet. The session may be another than before. */
  onUp(connection: Connection): void;
  /** There is no connection: it was lost, or none could be had. */
  onDown(error: KitError): void;
  /** A watch has seen something. */
  onEvent(type: number, path: string): void;
}

const NO_PASSWORD = new Uint8Array(16);

export class Session {
  readonly #config: Config;
  readonly #listener: SessionListener;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  #isUp = false;
  #onUp: (() => void) | undefined;
  #id = 0n;
  #password: Uint8Array = NO_PASSWORD;
  #timeoutMs: number;
  #lastZxid = 0n;
  #lostAt = -Infinity;

  /** Opens it. */
  constructor(config: Config, listener: SessionListener) {
    this.#config = config;
    this.#listener = listener;
    this.#timeoutMs = config.sessionTimeoutMs;
    this.#running = this.#run();
  }

  /** The number of the session; zero before the first. */
  get id(): bigint {
    return this.#id;
  }

  /**
   * Closes it, so that what was created in it goes.
   * @param waitMs How long to wait for a connection, if there is none.
   * @returns Whether the servers know; if not they find out when it has timed out.
   */
  async close(waitMs: number): Promise<boolean> {
    const { clock, connectTimeoutMs } = this.#config;
    const endsAt = clock.now() + waitMs;
    let isTold = false;
    while (!this.#stop.signal.aborted) {
      const connection = this.#isUp ? this.#connection : await this.#nextUp(endsAt);
      if (connection === undefined) break;
      const hurry = clock.after(
        connectTimeoutMs,
        () => connection.destroy("closing takes too long"),
      );
      isTold = await connection.request(closeSession).then(() => true, () => false);
      hurry[Symbol.dispose]();
      if (isTold) break;
      connection.destroy("closing failed");
      await connection.closed;
    }
    this.#stop.abort();
    this.#connection?.destroy("closed");
    await this.#running;
    return isTold || this.#id === 0n;
  }

  async #nextUp(endsAt: number): Promise<Connection | undefined> {
    const { clock } = this.#config;
    const leftMs = endsAt - clock.now();
    if (leftMs <= 0 || this.#id === 0n) return undefined;
    let timer: Disposable | undefined;
    await new Promise<void>((resolve) => {
      timer = clock.after(leftMs, resolve);
      this.#onUp = resolve;
    });
    timer?.[Symbol.dispose]();
    return this.#isUp ? this.#connection : undefined;
  }

  async #run(): Promise<void> {
    const { servers, clock, random } = this.#config;
    const { signal } = this.#stop;
    const mostMs = mostPauseMs(this.#config);
    await Promise.resolve(); // Nobody is told before the constructor is done.
    let tried = 0;
    let round = 0;
    for (let next = 0; !signal.aborted; next++) {
      const upMs = await this.#connect(next % servers.length);
      tried = upMs === undefined ? tried + 1 : servers.length;
      if (tried < servers.length) continue;
      if (upMs !== undefined && upMs >= mostMs) round = 0;
      tried = 0;
      await delay(backoffMs(round++, mostMs, random), { clock, signal }).catch(() => {});
    }
  }

  /** Has one connection, and tells how long there was one. */
  async #connect(server: number): Promise<number | undefined> {
    const { clock } = this.#config;
    let upAt: number | undefined;
    let connection: Connection | undefined;
    let error: KitError;
    try {
      connection = this.#dial(server);
      let answer = await connection.answered;
      if (isExpired(answer) && this.#id !== 0n) {
        connection.destroy("the session has expired");
        this.#keep({ ...answer, sessionId: 0n, password: NO_PASSWORD });
        connection = this.#dial(server);
        answer = await connection.answered;
      }
      if (isExpired(answer)) connection.destroy("the server grants no session");
      else this.#keep(answer);
      const { auth } = this.#config;
      if (auth !== undefined) {
        await connection.authenticate(auth.scheme, `${auth.username}:${auth.password}`);
      }
      if (!connection.isClosed) {
        upAt = clock.now();
        this.#isUp = true;
        this.#listener.onUp(connection);
        this.#onUp?.();
      }
      error = await connection.closed;
    } catch (thrown) {
      error = toKitError(thrown);
      connection?.destroy(error);
    }
    this.#isUp = false;
    this.#connection = undefined;
    if (connection !== undefined) this.#learn(connection, upAt !== undefined);
    if (!this.#stop.signal.aborted) this.#listener.onDown(error);
    return upAt === undefined ? undefined : clock.now() - upAt;
  }

  #keep({ sessionId, password, timeoutMs }: ConnectAnswer): void {
    this.#id = sessionId;
    this.#password = password;
    if (timeoutMs > 0) this.#timeoutMs = timeoutMs;
  }

  #dial(server: number): Connection {
    const { name, clock, connectTimeoutMs, connect, servers } = this.#config;
    this.#connection = new Connection(connect(servers[server]!), {
      name,
      clock,
      connectTimeoutMs,
      hello: {
        lastZxid: this.#lastZxid,
        timeoutMs: this.#config.sessionTimeoutMs,
        sessionId: this.#id,
        password: this.#password,
      },
      onEvent: (type, path) => this.#listener.onEvent(type, path),
    });
    return this.#connection;
  }

  /**
   * Keeps what a connection leaves behind. A server that knows less than we do hangs up on us, which
   * is right while it lags behind. One that still does so when the session must be over has lost its
   * state, and would do so for ever: it is asked without telling how much we know.
   */
  #learn(connection: Connection, wasUp: boolean): void {
    const now = this.#config.clock.now();
    if (connection.lastZxid > this.#lastZxid) this.#lastZxid = connection.lastZxid;
    if (wasUp) this.#lostAt = now;
    else if (connection.isRefused && now - this.#lostAt > this.#timeoutMs) this.#lastZxid = 0n;
  }
}

function isExpired({ timeoutMs, sessionId }: ConnectAnswer): boolean {
  return timeoutMs <= 0 || sessionId === 0n;
}
