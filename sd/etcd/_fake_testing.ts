/**
 * An etcd that does what a test wants: what no real one can be brought to.
 * @module
 */
import { encodeText, type KeyValue } from "./_wire.ts";

/** What to answer with: JSON, or a whole response. */
export type Reply = Response | Readonly<Record<string, unknown>>;

/** A request that was made. */
export interface Asked {
  readonly url: string;
  readonly path: string;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
  readonly headers: Headers;
  readonly redirect: RequestRedirect | undefined;
  readonly signal: AbortSignal;
}

/** A `fetch` that answers by a function and keeps what it was asked. */
export function fakeEtcd(reply: (asked: Asked, count: number) => Reply | Promise<Reply>) {
  const asked: Asked[] = [];
  const fake: typeof fetch = async (input, init) => {
    init!.signal!.throwIfAborted();
    const url = String(input);
    const path = url.replace(/.*\/v3\//, "");
    const headers = new Headers(init?.headers);
    const { redirect, signal } = init!;
    const body = JSON.parse(init!.body as string);
    const one = { url, path, body, headers, redirect, signal: signal! };
    asked.push(one);
    const answer = await reply(one, asked.length);
    const response = answer instanceof Response ? answer : Response.json(answer);
    // As with the real one, to abort ends the body as well.
    const piped = response.body?.pipeThrough(new TransformStream(), { signal: signal! });
    return new Response(piped ?? null, response);
  };
  return { fetch: fake, asked, paths: () => asked.map(({ path }) => path) };
}

/** An answer that never comes, until it is no longer wanted. */
export function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}

export const header = (revision: number) => ({ header: { revision: String(revision) } });

export const kv = (key: string, value: string, revision = 1): KeyValue => ({
  key: encodeText(key),
  value: encodeText(value),
  mod_revision: String(revision),
});

/** The answer to a list. */
export const listed = (revision: number, pairs: Readonly<Record<string, string>>) => ({
  ...header(revision),
  kvs: Object.entries(pairs).map(([key, value]) => kv(key, value)),
});

/** A watch, whose lines a test writes. */
export class FakeWatch {
  readonly response: Response;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  isCancelled = false;

  constructor(revision?: number) {
    this.response = new Response(
      new ReadableStream({
        start: (controller) => void (this.#controller = controller),
        cancel: () => void (this.isCancelled = true),
      }),
    );
    if (revision !== undefined) this.say({ ...header(revision), created: true });
  }

  /** Says several results in one piece. */
  say(...results: readonly unknown[]): void {
    this.raw(results.map((result) => `${JSON.stringify({ result })}\n`).join(""));
  }

  raw(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller.close();
  }
}
