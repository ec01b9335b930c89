/** Asks the members of an etcd cluster over their JSON gateway. */
import { type Clock, isKitError, KitError, systemClock } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { readLines, readText, TooLongError } from "./_body.ts";
import { type Answer, failure, needsLogin, parseAnswer } from "./_wire.ts";
import type { EtcdOptions } from "./options.ts";

/** The failures that another member may not have. */
const OF_ONE_MEMBER =
  /^(?:unavailable|deadline_exceeded|internal|unknown|data_loss|unimplemented)$/;

/** One try at one member. */
interface Attempt {
  readonly where: string;
  readonly signal: AbortSignal;
  /** Sets the time that is left; when it is over the attempt fails with the reason. */
  endIn(ms: number, reason: unknown): void;
}

/** What bounds a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long each member may take, if not as long as usual. */
  readonly timeoutMs?: number;
}

/** Why a watch ends when nothing is wrong. */
const OVER = Symbol("over");

/** The options of a watch. */
export interface WatchOptions {
  readonly request: Readonly<Record<string, unknown>>;
  /** How long it stays open. */
  readonly lifeMs: number;
  /** Is told what came together, the creation first; when it says `false` the watch ends. */
  readonly onAnswers: (answers: readonly Answer[]) => boolean;
}

/** A client of a cluster: it stays with a member that answers, and logs in when it has to. */
export class EtcdClient {
  /** The members, for the name of the source. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly #endpoints: readonly string[];
  readonly #username: string | undefined;
  readonly #password: string;
  readonly #requestTimeoutMs: number;
  readonly #fetch: typeof fetch;
  #at: number;
  /** Empty if etcd asks for none. */
  #token: string | undefined;

  constructor(options: EtcdOptions) {
    const { endpoints = "http://127.0.0.1:2379", username, password = "" } = options;
    const { requestTimeoutMs = 3000, clock = systemClock, random = Math.random } = options;
    const { fetch = globalThis.fetch } = options;
    checkPositive("requestTimeoutMs", requestTimeoutMs);
    this.#endpoints = parseEndpoints(endpoints);
    this.name = this.#endpoints.map((url) => url.replace(/^https?:\/\//, "")).join(",");
    this.#username = username;
    this.#password = password;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.clock = clock;
    this.random = random;
    this.#fetch = fetch;
    this.#at = Math.floor(random() * this.#endpoints.length);
  }

  /** Asks for one answer. */
  call(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.#anyMember(options, async (attempt) => {
      const response = await this.#post(path, body, attempt);
      return parseAnswer(await readText(response.body), response.status, attempt.where);
    });
  }

  /** Watches. It resolves when the time is over or nobody wants more, and rejects when it breaks. */
  async watch({ request, lifeMs, onAnswers }: WatchOptions, signal: AbortSignal): Promise<void> {
    let isOpen = false;
    const open = async (attempt: Attempt) => {
      const response = await this.#post("watch", { create_request: request }, attempt);
      const { status } = response;
      if (status !== 200) parseAnswer(await readText(response.body), status, attempt.where);
      for await (const lines of readLines(response.body)) {
        const answers = lines.map((line) => {
          const { result } = parseAnswer(line, status, attempt.where);
          if (result) return result;
          throw failure("internal", attempt.where, "its answer is none to a watch");
        });
        if (!isOpen) attempt.endIn(lifeMs, OVER);
        isOpen = true;
        if (!onAnswers(answers)) return;
      }
      throw failure("unavailable", attempt.where, "it ended the watch");
    };
    try {
      await this.#anyMember({ signal }, open, () => !isOpen);
    } catch (error) {
      if (error !== OVER) throw error;
    }
  }

  /** Tries the members until one answers, also if the answer is a refusal. */
  async #anyMember<T>(
    options: CallOptions,
    run: (attempt: Attempt) => Promise<T>,
    mayMove: () => boolean = () => true,
  ): Promise<T> {
    const errors: KitError[] = [];
    for (const _ of this.#endpoints) {
      const where = this.#endpoints[this.#at]!;
      try {
        return await this.#attempt(where, options, run);
      } catch (error) {
        if (options.signal?.aborted) throw new KitError("cancelled", "Call was cancelled");
        if (!isKitError(error) || !OF_ONE_MEMBER.test(error.code)) throw error;
        this.#at = (this.#at + 1) % this.#endpoints.length;
        if (!mayMove()) throw error;
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    const cause = new AggregateError(errors, errors.map(({ message }) => message).join("; "));
    throw failure(errors.at(-1)!.code, this.name, "none of its members answers", cause);
  }

  async #attempt<T>(
    where: string,
    { signal, timeoutMs = this.#requestTimeoutMs }: CallOptions,
    run: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    let timer: Disposable | undefined;
    const endIn: Attempt["endIn"] = (ms, reason) => {
      timer?.[Symbol.dispose]();
      timer = this.clock.after(ms, () => controller.abort(reason));
    };
    const attempt = { where, signal: controller.signal, endIn };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    try {
      const why = `it was silent for ${Math.round(timeoutMs)} ms`;
      endIn(timeoutMs, failure("deadline_exceeded", where, why));
      try {
        return await run(attempt);
      } catch (error) {
        if (this.#token === undefined || !isKitError(error) || !needsLogin(error)) throw error;
        this.#token = undefined;
        return await run(attempt);
      }
    } catch (error) {
      if (controller.signal.aborted) throw controller.signal.reason;
      if (error instanceof TooLongError) {
        throw failure("resource_exhausted", where, "its answer is too long");
      }
      throw error;
    } finally {
      timer?.[Symbol.dispose]();
      signal?.removeEventListener("abort", abort);
    }
  }

  async #post(path: string, body: unknown, attempt: Attempt): Promise<Response> {
    if (this.#username !== undefined && this.#token === undefined) await this.#logIn(attempt);
    return await this.#send(path, body, attempt);
  }

  async #logIn(attempt: Attempt): Promise<void> {
    const body = { name: this.#username, password: this.#password };
    const response = await this.#send("auth/authenticate", body, attempt);
    try {
      const text = await readText(response.body);
      this.#token = parseAnswer(text, response.status, attempt.where).token ?? "";
    } catch (error) {
      if (!isKitError(error) || error.code === "unavailable") throw error;
      // It would not have to say so: who has a password may also use an etcd that asks for none.
      if (error.message.includes("authentication is not enabled")) {
        this.#token = "";
        return;
      }
      const why = `it refuses the login of "${this.#username}"`;
      throw failure("unauthenticated", attempt.where, why); // Its own words might repeat a secret.
    }
  }

  async #send(path: string, body: unknown, { where, signal }: Attempt): Promise<Response> {
    const fetch = this.#fetch;
    try {
      return await fetch(`${where}/v3/${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          // A member that has lost the others says so, instead of keeping a watch that tells nothing.
          "grpc-metadata-hasleader": "true",
          ...(this.#token && { authorization: this.#token }),
        },
        body: JSON.stringify(body),
        redirect: "manual",
        signal,
      });
    } catch (cause) {
      throw failure("unavailable", where, "it cannot be reached", cause);
    }
  }
}

function parseEndpoints(endpoints: string | readonly string[]): readonly string[] {
  const list = [endpoints].flat().flatMap((text) => text.split(",")).map((text) => text.trim());
  const urls = list.filter((text) => text !== "").map((text) => {
    const url = /^\w+:\/\//.test(text) ? text : `http://${text}`;
    const shown = JSON.stringify(text.replace(/\/\/[^/]*@/, "//***@"));
    if (!/^https?:/.test(url) || !URL.canParse(url)) {
      throw new TypeError(
        `Cannot use "endpoints" as one is no HTTP URL: current value is ${shown}`,
      );
    }
    const { username, password, search, hash } = new URL(url);
    if (`${username}${password}${search}${hash}` !== "") {
      throw new TypeError(
        `Cannot use "endpoints" as one is more than an address: current value is ${shown}`,
      );
    }
    return url.replace(/\/+$/, "");
  });
  if (urls.length === 0) throw new TypeError(`Cannot use "endpoints" as there is none`);
  return urls;
}
