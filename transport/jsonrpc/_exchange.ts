/**
 * One HTTP request with all of its calls.
 * @module
 */
import { type Context, withValue } from "@kit/endpoint";
import { answer } from "../_server_call.ts";
import { RequestContext } from "../http/_context.ts";
import { parseJson, readText, unreadable } from "../http/_json.ts";
import type { HandlerInfo } from "../http/handler.ts";
import { chosenStatus } from "../http/http_error.ts";
import { type Entries, entriesOf, type Entry, failed } from "./_entries.ts";
import type { Steps } from "./_steps.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import { requestId, requestMethod } from "./keys.ts";
import { PARSE_ERROR } from "./rpc_codes.ts";
import type { ServerOptions } from "./server.ts";

type Defaulted =
  | "before"
  | "maxBytes"
  | "strict"
  | "decompress"
  | "deadlineHeader"
  | "maxBatch"
  | "lenient"
  | "batchConcurrency";

/** The methods of a server with its options, defaults filled in. */
export interface Binding extends Required<Pick<ServerOptions, Defaulted>> {
  readonly methods: ReadonlyMap<string, Steps>;
  readonly unknown: Steps;
  readonly invalid: Steps;
}

/** Answers an HTTP request. It never rejects. */
export async function exchange(
  binding: Binding,
  request: Request,
  info: HandlerInfo | undefined,
): Promise<Response> {
  const own = new RequestContext(request, info, binding.deadlineHeader);
  const headers = new Headers();
  const seen: { ctx: Context } = { ctx: own };
  let status = 200;
  let entries: Entries;
  try {
    own.readDeadline();
    for (const prepare of binding.before) seen.ctx = prepare(seen.ctx, request);
    const text = await read(binding, request, info);
    entries = entriesOf(parsed(binding, request, text), text, binding);
  } catch (error) {
    status = statusFor(error);
    entries = { isBatch: false, all: [failed(error)] };
  }
  const replies = await inParallel(
    entries.all,
    binding.batchConcurrency,
    (entry) => replyTo(binding, entry, seen.ctx, headers),
  );
  own.release();
  const said = replies.filter((reply) => reply !== undefined);
  if (said.length === 0) return new Response(null, { status: 204, headers });
  headers.set("content-type", "application/json");
  return new Response(entries.isBatch ? `[${said.join(",")}]` : said[0], { status, headers });
}

function replyTo(
  binding: Binding,
  entry: Entry,
  ctx: Context,
  headers: Headers,
): Promise<string | undefined> {
  const { call, id } = entry;
  const outgoing = { id, headers };
  if (call === undefined) return answer(binding.invalid, ctx, entry, outgoing);
  let own = withValue(ctx, requestMethod, call.method);
  if (call.id !== undefined) own = withValue(own, requestId, call.id);
  return answer(binding.methods.get(call.method) ?? binding.unknown, own, entry, outgoing);
}

async function read(
  binding: Binding,
  request: Request,
  info: HandlerInfo | undefined,
): Promise<string> {
  if (info?.bodyReceived !== undefined) info.bodyReceived = false;
  try {
    const text = await readText(request, binding);
    if (info?.bodyReceived === false) info.bodyReceived = true;
    return text;
  } catch (error) {
    throw notJson(error, request);
  }
}

function parsed(binding: Binding, request: Request, text: string): unknown {
  try {
    return parseJson(text, binding);
  } catch (error) {
    throw notJson(error, request);
  }
}

/** The error of a body that is no JSON; one with a status of HTTP, such as 413, stays as it is. */
function notJson(cause: unknown, request: Request): unknown {
  const error = unreadable(cause, request);
  if (chosenStatus(error) !== undefined) return error;
  const { message, details } = error;
  return new JsonRpcError(PARSE_ERROR, message, { details, cause });
}

/** The status for a request in which no call was found: 200, unless HTTP has a word for it. */
function statusFor(error: unknown): number {
  try {
    const status = chosenStatus(error);
    return Number.isInteger(status) && status! >= 400 && status! <= 599 ? status! : 200;
  } catch {
    return 200;
  }
}

/** Maps items in order, so many at once. */
async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await map(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
