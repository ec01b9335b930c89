/**
 * One call by HTTP, from the request to the complete response.
 * @module
 */
import { type Context, type Endpoint, isKitError, KitError, remainingMs } from "@kit/endpoint";
import { validate } from "../schema.ts";
import { RequestContext } from "./_context.ts";
import { parseDeadline } from "../_deadline.ts";
import { encodeCounted, encodeJson } from "./_encode_json.ts";
import { readJson, unreadable } from "./_json.ts";
import { whenHandedOver, whenSent } from "./_when_sent.ts";
import type { HandlerInfo } from "./handler.ts";
import { problem } from "./problem.ts";
import type { ServerOptions } from "./server.ts";

type Defaulted =
  | "before"
  | "after"
  | "finalizer"
  | "encodeError"
  | "maxBytes"
  | "strict"
  | "deadlineHeader";

/** An endpoint with the options of its server, defaults filled in. */
export type Binding<Req, Res> =
  & Omit<ServerOptions<Req, Res>, Defaulted>
  & Required<Pick<ServerOptions<Req, Res>, Defaulted>>
  & { readonly endpoint: Endpoint<Req, Res> };

/**
 * One call. It is written as a chain of steps rather than as an async function, which would cost a
 * small handler several percent of its throughput.
 */
export class Call<Req, Res> {
  #own: RequestContext | undefined;
  #ctx!: Context;
  /** Whether the body is being read, so that what fails is its fault. */
  #isReading = false;

  constructor(
    readonly binding: Binding<Req, Res>,
    readonly request: Request,
    readonly info: HandlerInfo | undefined,
  ) {}

  run(): Promise<Response> | Response {
    try {
      this.#begin();
      return this.#read()
        .then((request) => this.#call(request))
        .then((response) => this.#answer(response), (error) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #begin(): void {
    const { request, info, binding: { before, deadlineHeader } } = this;
    this.#ctx = this.#own = new RequestContext(request, info);
    if (deadlineHeader !== false && request.headers.has(deadlineHeader)) {
      this.#own.deadline = parseDeadline(deadlineHeader, request.headers.get(deadlineHeader)!);
    }
    for (const prepare of before) this.#ctx = prepare(this.#ctx, request);
  }

  #read(): Promise<Req> {
    const { request, info, binding } = this;
    const { decode, schema } = binding;
    if (decode !== undefined) return Promise.resolve(decode(request, this.#ctx));
    this.#isReading = true;
    if (info?.bodyReceived !== undefined) info.bodyReceived = false;
    const value = readJson(request, binding);
    if (schema === undefined) return value as Promise<Req>;
    return value.then((value) => {
      this.#hasRead();
      return validate(schema, value, "request");
    });
  }

  #hasRead(): void {
    this.#isReading = false;
    if (this.info?.bodyReceived === false) this.info.bodyReceived = true;
  }

  #call(request: Req): Promise<Res> {
    if (this.#isReading) this.#hasRead();
    // Work that nobody waits for any more is not begun.
    if (remainingMs(this.#ctx) <= 0) throw new KitError("deadline_exceeded", "Deadline exceeded");
    return this.binding.endpoint(request, this.#ctx);
  }

  #answer(response: Res): Response | Promise<Response> {
    const { after, encode, finalizer } = this.binding;
    try {
      if (after.length === 0 && encode === undefined && finalizer.length === 0) {
        return this.#finish(encodeJson(response));
      }
      const headers = new Headers();
      for (const prepare of after) this.#ctx = prepare(this.#ctx, headers);
      if (encode === undefined) {
        return finalizer.length === 0
          ? this.#finish(encodeJson(response, headers))
          : this.#finishCounted(...encodeCounted(response, headers));
      }
      const encoded = encode(response, this.#ctx, headers);
      if (!(encoded instanceof Promise)) return this.#finish(encoded);
      return encoded.then((done) => this.#finish(done)).catch((error) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(cause: unknown): Response {
    const { encodeError } = this.binding;
    const error = this.#isReading ? unreadable(cause, this.request) : cause;
    this.#tell(error);
    try {
      return this.#finish(encodeError(error, this.#ctx, this.request), error);
    } catch (cause) {
      this.#tell(cause);
      // A hook must not take the answer away.
      return this.#finish(problem(isKitError(error) ? error : internal(cause)), error);
    }
  }

  #finish(response: Response, error?: unknown): Response {
    this.#own?.release(this.info?.completed);
    if (this.binding.finalizer.length === 0) return response;
    return whenSent(response, (size, cause) => this.#finalize(response, size, error ?? cause));
  }

  #finishCounted(response: Response, size: number): Response {
    this.#own?.release(this.info?.completed);
    whenHandedOver(() => this.#finalize(response, size));
    return response;
  }

  #finalize({ status, headers }: Response, size: number, error?: unknown): void {
    for (const finish of this.binding.finalizer) {
      try {
        finish(this.#ctx, { status, headers, size, error });
      } catch (cause) {
        this.#tell(cause);
      }
    }
  }

  #tell(error: unknown): void {
    try {
      this.binding.onError?.(error, this.#ctx);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }
}

function internal(cause: unknown): KitError {
  return new KitError("internal", "Unknown error", { cause });
}
