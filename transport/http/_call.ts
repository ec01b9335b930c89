/**
 * One call by HTTP, from the request to the complete response.
 * @module
 */
import { type Context, type Endpoint, isKitError, KitError, remainingMs } from "@kit/endpoint";
import { validate } from "../schema.ts";
import { RequestContext } from "./_context.ts";
import { encodeCounted, encodeJson } from "./_encode_json.ts";
import { declaredLength, readJson, unreadable } from "./_json.ts";
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
  | "decompress"
  | "deadlineHeader";

/** An endpoint with the options of its server, defaults filled in. */
export type Binding<Req, Res> =
  & Omit<ServerOptions<Req, Res>, Defaulted>
  & Required<Pick<ServerOptions<Req, Res>, Defaulted>>
  & { readonly endpoint: Endpoint<Req, Res> };

/** The longest body that is taken to have come along with its headers. */
const PROMPT_BYTES = 64 * 1024;

/**
 * Answers a request.
 *
 * What a small handler pays for is counted here: a header that is read costs it several percent of
 * its throughput, and so do a few more promises. `await` in an async function is the cheapest way of
 * all that were measured.
 */
export async function serveCall<Req, Res>(
  binding: Binding<Req, Res>,
  request: Request,
  info: HandlerInfo | undefined,
): Promise<Response> {
  const own = new RequestContext(request, info, binding.deadlineHeader);
  let ctx: Context = own;
  /** Whether the body is being read, so that what fails is its fault. */
  let isReading = false;
  try {
    for (const prepare of binding.before) ctx = prepare(ctx, request);
    let input: Req;
    if (binding.decode !== undefined) {
      own.readDeadline();
      input = await binding.decode(request, ctx);
    } else {
      isReading = true;
      if (info?.bodyReceived !== undefined) info.bodyReceived = false;
      const length = declaredLength(request);
      if (length === undefined || length > PROMPT_BYTES) own.readDeadline();
      input = await readJson(request, length, binding) as Req;
      isReading = false;
      if (info?.bodyReceived === false) info.bodyReceived = true;
      if (binding.schema !== undefined) input = await validate(binding.schema, input, "request");
    }
    // Work that nobody waits for any more is not begun.
    if ((own.hasDeadline || ctx !== own) && remainingMs(ctx) <= 0) {
      throw new KitError("deadline_exceeded", "Deadline exceeded");
    }
    const output = await binding.endpoint(input, ctx);
    const { after, encode, finalizer } = binding;
    if (after.length === 0 && encode === undefined && finalizer.length === 0) {
      const response = encodeJson(output);
      own.release();
      return response;
    }
    const headers = new Headers();
    for (const prepare of after) ctx = prepare(ctx, headers);
    if (encode === undefined && finalizer.length > 0) {
      const [response, size] = encodeCounted(output, headers);
      own.release();
      whenHandedOver(() => finalize(binding, ctx, response, size));
      return response;
    }
    const response = encode === undefined
      ? encodeJson(output, headers)
      : await encode(output, ctx, headers);
    return finish(binding, own, ctx, response);
  } catch (cause) {
    const error = isReading ? unreadable(cause, request) : cause;
    tell(binding, error, ctx);
    return finish(binding, own, ctx, answerOf(binding, error, ctx, request), error);
  }
}

/** Tells what a call that failed is answered with. A hook must not take the answer away. */
function answerOf<Req, Res>(
  binding: Binding<Req, Res>,
  error: unknown,
  ctx: Context,
  request: Request,
): Response {
  try {
    return binding.encodeError(error, ctx, request);
  } catch (cause) {
    tell(binding, cause, ctx);
    const shown = new KitError("internal", "Unknown error", { cause });
    return problem(isKitError(error) ? error : shown);
  }
}

function finish<Req, Res>(
  binding: Binding<Req, Res>,
  own: RequestContext,
  ctx: Context,
  response: Response,
  error?: unknown,
): Response {
  own.release();
  if (binding.finalizer.length === 0) return response;
  return whenSent(
    response,
    (size, cause) => finalize(binding, ctx, response, size, error ?? cause),
  );
}

function finalize<Req, Res>(
  binding: Binding<Req, Res>,
  ctx: Context,
  { status, headers }: Response,
  size: number,
  error?: unknown,
): void {
  for (const end of binding.finalizer) {
    try {
      end(ctx, { status, headers, size, error });
    } catch (cause) {
      tell(binding, cause, ctx);
    }
  }
}

function tell<Req, Res>({ onError }: Binding<Req, Res>, error: unknown, ctx: Context): void {
  try {
    onError?.(error, ctx);
  } catch {
    // Who is told of an error cannot change what comes of it.
  }
}
