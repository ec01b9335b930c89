/**
 * Follows redirects that stay where they are.
 * @module
 */

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How many redirects are followed, as by `fetch`. */
const MAX_REDIRECTS = 20;

/**
 * Follows redirects as `fetch` does (https://fetch.spec.whatwg.org/#http-redirect-fetch), but within
 * one origin only: `fetch` takes API keys and bodies to any host that a server names. A redirect that
 * is not followed is the response.
 */
export function followWithinOrigin(fetch: Fetch): Fetch {
  return async (url, init) => {
    for (let followed = 0;; followed++) {
      const response = await fetch(url, init);
      const target = followed < MAX_REDIRECTS ? targetOf(response, url) : undefined;
      if (target === undefined) return response;
      const next = redirected(response.status, init);
      if (next === undefined) return response;
      await response.body?.cancel();
      url = target;
      init = next;
    }
  };
}

/** Where a response sends the request on to, if that is within the origin. */
function targetOf({ status, headers }: Response, url: string): string | undefined {
  const location = headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined;
  if (!URL.canParse(location, url)) return undefined;
  const target = new URL(location, url);
  return target.origin === new URL(url).origin && target.username + target.password === ""
    ? target.href
    : undefined;
}

/** What to send on, if it can be sent twice. */
function redirected(status: number, init: RequestInit): RequestInit | undefined {
  const { method = "GET", body } = init;
  const isPost = method === "POST";
  if (status === 303 ? method !== "GET" && method !== "HEAD" : status < 303 && isPost) {
    const headers = new Headers(init.headers);
    for (const name of [...headers.keys()]) if (name.startsWith("content-")) headers.delete(name);
    return { ...init, method: "GET", headers, body: null };
  }
  return body instanceof ReadableStream ? undefined : init;
}
