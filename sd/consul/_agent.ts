/**
 * The HTTP API of an agent of Consul, as far as it is needed here.
 * @module
 */
import { type Clock, type ErrorCode, KitError, systemClock } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import type { ConsulOptions } from "./options.ts";

/** What an answer may hold at most; ten thousand instances need less. */
const MAX_BYTES = 32 * 1024 * 1024;
/** How much of the text that came with a refusal is kept. */
const MAX_REASON_BYTES = 1024;

/** The agent answered, and did not do what it was asked to. */
export class RefusedError extends KitError {
  constructor(readonly status: number, message: string, reason: string) {
    super(codeOf(status), message, reason === "" ? {} : { cause: new Error(reason) });
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return "unauthenticated";
  if (status === 403) return "permission_denied";
  if (status === 404) return "not_found";
  if (status === 429) return "resource_exhausted";
  if (status >= 500) return "unavailable";
  return status >= 400 ? "invalid_argument" : "internal";
}

/** A request to the agent. */
export interface AgentRequest {
  /** What is wanted, for errors: `read service "x"`. */
  readonly doing: string;
  readonly method?: "GET" | "PUT";
  /** Below `/v1/`, each part encoded already. */
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** How long to wait for the whole answer, if not as long as for any. */
  readonly timeoutMs?: number;
}

/** An answer of the agent. */
export interface AgentAnswer {
  readonly text: string;
  readonly headers: Headers;
}

/** Talks to an agent. Each request is bounded in time and size, and ends at once when aborted. */
export class ConsulAgent {
  /** Its host and port. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof globalThis.fetch;
  readonly #clock: Clock;

  constructor(options: ConsulOptions) {
    const { agent = "http://localhost:8500", token, timeoutMs = 5000 } = options;
    const { fetch = globalThis.fetch, clock = systemClock } = options;
    const url = parseAgent(agent);
    checkPositive("timeoutMs", timeoutMs);
    // What is no header value would be shown by the error that says so.
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
      throw new TypeError(`Cannot use "token" as it must be printable ASCII without spaces`);
    }
    this.name = url.host;
    this.timeoutMs = timeoutMs;
    this.#base = `${url.origin}${url.pathname.replace(/\/$/, "")}/v1/`;
    this.#token = token;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /**
   * Asks the agent.
   * @returns A promise of its answer. It rejects with a `KitError`, or because of the signal.
   */
  async ask(request: AgentRequest): Promise<AgentAnswer> {
    const { doing, signal, timeoutMs = this.timeoutMs } = request;
    signal.throwIfAborted();
    const call = new AbortController();
    const abort = () => call.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const timer = this.#clock.after(timeoutMs, () => {
      call.abort(this.#error("deadline_exceeded", doing, "it did not answer in time"));
    });
    try {
      return await whileNotAborted(call.signal, this.#exchange(request, call.signal));
    } catch (error) {
      if (error instanceof KitError) throw error;
      throw this.#error("unavailable", doing, "it cannot be reached", error);
    } finally {
      timer[Symbol.dispose]();
      signal.removeEventListener("abort", abort);
      // Whatever is still on its way is not wanted any more.
      call.abort();
    }
  }

  async #exchange(request: AgentRequest, signal: AbortSignal): Promise<AgentAnswer> {
    const { doing, method = "GET", path, query, body } = request;
    const search = query === undefined ? "" : `?${query}`;
    const fetch = this.#fetch;
    const response = await fetch(this.#base + path + search, {
      method,
      headers: {
        ...(this.#token !== undefined && { "x-consul-token": this.#token }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // A redirect would carry the token to whom it does not belong.
      redirect: "manual",
      signal,
    });
    if (!response.ok) {
      const reason = await readText(response, MAX_REASON_BYTES, "cut");
      const message = this.#message(doing, `it answered ${response.status}`);
      throw new RefusedError(response.status, message, this.#shown(reason));
    }
    const text = await readText(response, MAX_BYTES, "refuse");
    if (text !== undefined) return { text, headers: response.headers };
    throw this.#error("resource_exhausted", doing, `its answer is over ${MAX_BYTES} bytes`);
  }

  #message(doing: string, why: string): string {
    return `Cannot ${doing} at Consul agent "${this.name}" as ${why}`;
  }

  #error(code: ErrorCode, doing: string, why: string, cause?: unknown): KitError {
    return new KitError(code, this.#message(doing, why), cause === undefined ? {} : { cause });
  }

  /** The reason of a refusal as one line, should the agent have sent the token back without it. */
  #shown(reason = ""): string {
    const text = this.#token === undefined ? reason : reason.replaceAll(this.#token, "***");
    return text.replaceAll(/\p{C}+/gu, " ").trim();
  }
}

function parseAgent(agent: string): URL {
  const url = URL.canParse(agent) ? new URL(agent) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new TypeError(`Cannot use "agent" as it must be an http or https URL`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`Cannot use "agent" as it must not hold credentials`);
  }
  return url;
}

/** The text of a body; once it is over the limit the beginning, or `undefined`. */
async function readText(
  response: Response,
  maxBytes: number,
  beyond: "cut" | "refuse",
): Promise<string | undefined> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) {
      reader.cancel().catch(() => {});
      if (beyond === "refuse") return undefined;
      return text + decoder.decode(part.value).slice(0, maxBytes);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

/** Does not wait for a `fetch` that overlooks its signal. */
function whileNotAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

/** A name as part of a path. */
export function checkName(what: string, name: string): string {
  if (typeof name !== "string" || /^\.{0,2}$/.test(name)) {
    throw new TypeError(`Cannot use "${what}" as it must be a name: current value is "${name}"`);
  }
  return name;
}
