/**
 * The events by which Lambda is told of HTTP requests, in their four forms.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** A value, or nothing: AWS leaves out what there is none of, or writes `null`. */
type Maybe<T> = T | null | undefined;
type Values = Readonly<Record<string, Maybe<string>>>;
type Lists = Readonly<Record<string, Maybe<readonly string[]>>>;

/** What is read of an event. */
export interface HttpEvent {
  readonly version?: Maybe<string>;
  readonly httpMethod?: Maybe<string>;
  readonly path?: Maybe<string>;
  readonly rawPath?: Maybe<string>;
  readonly rawQueryString?: Maybe<string>;
  readonly headers?: Maybe<Values>;
  readonly multiValueHeaders?: Maybe<Lists>;
  readonly queryStringParameters?: Maybe<Values>;
  readonly multiValueQueryStringParameters?: Maybe<Lists>;
  readonly cookies?: Maybe<readonly string[]>;
  readonly body?: Maybe<string>;
  readonly isBase64Encoded?: Maybe<boolean>;
  readonly requestContext?: Maybe<{
    readonly elb?: unknown;
    readonly domainName?: Maybe<string>;
    readonly http?: Maybe<{ readonly method?: string; readonly sourceIp?: string }>;
    readonly identity?: Maybe<{ readonly sourceIp?: Maybe<string> }>;
  }>;
}

/**
 * The forms: `v2` of HTTP APIs and function URLs, `v1` of REST APIs, and the two of load balancers,
 * which differ in whether a header may have several values.
 */
export type EventForm = "v2" | "v1" | "alb" | "alb-multi";

/** Tells the form of an event. */
export function formOf(event: unknown): EventForm {
  const { version, requestContext, httpMethod, multiValueHeaders } = (event ?? {}) as HttpEvent;
  if (typeof requestContext === "object" && requestContext !== null) {
    if (version === "2.0" && requestContext.http) return "v2";
    if (typeof httpMethod === "string") {
      if (requestContext.elb === undefined) return "v1";
      return multiValueHeaders ? "alb-multi" : "alb";
    }
  }
  throw new KitError("invalid_argument", "Cannot answer event as it is of no HTTP request");
}

/** Makes the request that an event tells of. */
export function requestOf(event: HttpEvent, form: EventForm): Request {
  const headers = headersOf(event);
  const method = (form === "v2" ? event.requestContext!.http!.method : event.httpMethod) ?? "GET";
  const bytes = bodyOf(event);
  // Their lengths and codings are those of another connection.
  headers.delete("transfer-encoding");
  headers.delete("content-length");
  const mayHaveBody = method !== "GET" && method !== "HEAD";
  if (mayHaveBody) headers.set("content-length", String(bytes.length));
  return new Request(urlOf(event, form, headers), {
    method,
    headers,
    ...(mayHaveBody ? { body: bytes } : {}),
  });
}

/** Tells who has sent the request that an event tells of. */
export function senderOf({ requestContext }: HttpEvent, headers: Headers): string | undefined {
  const context = requestContext ?? {};
  // A load balancer tells it by the last entry of this header only.
  const forwarded = headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  return context.http?.sourceIp ?? context.identity?.sourceIp ?? forwarded;
}

function headersOf({ headers, multiValueHeaders, cookies }: HttpEvent): Headers {
  const all = new Headers();
  if (multiValueHeaders) {
    for (const [name, values] of Object.entries(multiValueHeaders)) {
      for (const value of values ?? []) all.append(name, value);
    }
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (typeof value === "string") all.set(name, value);
    }
  }
  if (cookies?.length) all.set("cookie", cookies.join("; "));
  return all;
}

function urlOf(event: HttpEvent, form: EventForm, headers: Headers): string {
  const scheme = headers.get("x-forwarded-proto") === "http" ? "http" : "https";
  const host = headers.get("host") ?? event.requestContext?.domainName ?? "localhost";
  const path = (form === "v2" ? event.rawPath : event.path) || "/";
  const query = form === "v2" ? event.rawQueryString ?? "" : queryOf(event, form);
  // Whatever comes after the host is no other host, as it begins with a slash.
  const rest = `${path.startsWith("/") ? "" : "/"}${path.replaceAll(/[?#]/g, encodeURIComponent)}`;
  const origin = URL.canParse(`${scheme}://${host}`) ? new URL(`${scheme}://${host}`).origin : "";
  return `${origin || `${scheme}://localhost`}${rest}${query === "" ? "" : `?${query}`}`;
}

function queryOf(event: HttpEvent, form: EventForm): string {
  // REST APIs hand out what they have decoded, load balancers what came.
  const write = form === "v1" ? encodeURIComponent : (text: string) => text;
  const pairs: string[] = [];
  const { queryStringParameters: single, multiValueQueryStringParameters: multi } = event;
  for (const [name, values] of Object.entries(multi ?? single ?? {})) {
    for (const value of typeof values === "string" ? [values] : values ?? []) {
      pairs.push(`${write(name)}=${write(value)}`);
    }
  }
  return pairs.join("&");
}

function bodyOf({ body, isBase64Encoded }: HttpEvent): Uint8Array<ArrayBuffer> {
  const text = body ?? "";
  if (!isBase64Encoded) return new TextEncoder().encode(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
