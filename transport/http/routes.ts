/**
 * A plain table of routes.
 * @module
 */
import type { Handler } from "./handler.ts";
import { HttpError } from "./http_error.ts";
import { problem } from "./problem.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Handlers by method; `*` takes every method that is not named. */
type Methods = Map<string, Handler>;

/**
 * Sends each request to the handler of its method and path. Paths are compared as they are; what
 * needs parameters or patterns is a router's job, and every router takes Kit's handlers.
 *
 * A path that is not in the table is answered with 404, a method that is not with 405 and `Allow`.
 * `GET` answers `HEAD` too, unless that has a handler of its own.
 * @param table Handlers by `"METHOD /path"`, or by `"/path"` for every method. A path that ends in
 * `/*` takes all below it; of several the longest counts.
 * @returns The handler.
 * @throws {TypeError} If a key is not of that form, or names a method that HTTP does not have.
 * @example Usage
 * ```ts
 * import { routes } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const handler = routes({ "POST /count": () => new Response("5") });
 * const post = new Request("http://localhost/count?of=hello", { method: "POST" });
 * assert.equal(await (await handler(post)).text(), "5");
 * const get = await handler(new Request("http://localhost/count"));
 * assert.equal(get.status, 405);
 * assert.equal(get.headers.get("allow"), "POST");
 * ```
 */
export function routes(table: Readonly<Record<string, Handler>>): Handler {
  const paths = new Map<string, Methods>();
  const prefixes: [prefix: string, methods: Methods][] = [];
  for (const [key, handler] of Object.entries(table)) {
    const [method, path] = parseKey(key);
    const methods = paths.get(path) ?? new Map();
    methods.set(method, handler);
    if (!paths.has(path)) paths.set(path, methods);
    if (path.endsWith("/*")) prefixes.push([path.slice(0, -1), methods]);
  }
  prefixes.sort(([a], [b]) => b.length - a.length);

  function find(path: string): Methods | undefined {
    return paths.get(path) ?? prefixes.find(([prefix]) => path.startsWith(prefix))?.[1];
  }

  return (request, info) => {
    const path = pathOf(request.url);
    const methods = find(path);
    if (methods === undefined) return problem(new HttpError(404, `Cannot find "${path}"`));
    const { method } = request;
    const handler = methods.get(method) ?? methods.get("*") ??
      (method === "HEAD" ? methods.get("GET") : undefined);
    return handler === undefined ? notAllowed(methods) : handler(request, info);
  };
}

function parseKey(key: string): [method: string, path: string] {
  const match = /^(?:([A-Z]+) )?(\/\S*)$/.exec(key);
  const method = match?.[1] ?? "*";
  if (match === null || (method !== "*" && !METHODS.includes(method))) {
    throw new TypeError(`Cannot use route as it must be "METHOD /path": current value is "${key}"`);
  }
  return [method, match[2]!];
}

/** What makes the path of a URL another one once it is resolved: `/../`, `/%2e/`, and `\\` for `/`. */
const UNRESOLVED = /\/(?:\.|%2e)|\\/i;

/** Cuts the path out of a URL: making a `URL` of it costs an eighth of a small handler. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.search(/[?#]/);
  const path = end < 0 ? url.slice(start) : url.slice(start, end);
  // A host hands the URL on as it came: a route must not take what leads elsewhere.
  return UNRESOLVED.test(path) && URL.canParse(url) ? new URL(url).pathname : path;
}

function notAllowed(methods: Methods): Response {
  const names = [...methods.keys()];
  if (names.includes("GET") && !names.includes("HEAD")) names.push("HEAD");
  const allow = names.join(", ");
  return problem(
    new HttpError(405, `Cannot use this method as only ${allow} can be`, { headers: { allow } }),
  );
}
