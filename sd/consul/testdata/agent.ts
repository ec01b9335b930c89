/**
 * A stand-in for an agent of Consul, for what the tests need of its API, written from its
 * documentation: index and blocking queries, tags, TTL checks, ACL tokens, no state kept. It refuses
 * what it does not know, so that a misspelt field fails a test. Only for virtual time: what needs a
 * real agent has one.
 */
import { type Clock, systemClock } from "@kit/endpoint";

const SERVICE = ["Name", "ID", "Address", "Port", "Tags", "Meta", "Weights", "Check"];
const CHECK = ["TTL", "Status", "HTTP", "TCP", "GRPC", "Interval", "Timeout"];
const PARAMS = ["tag", "passing", "dc", "index", "wait"];

interface Registered {
  readonly definition: Record<string, unknown> & { Name: string; ID: string; Tags: string[] };
  readonly ttlMs: number | undefined;
  readonly criticalMs: number | undefined;
  status: "passing" | "warning" | "critical";
  timer?: Disposable | undefined;
}

/** Answers as an agent does. */
export class StandInAgent {
  readonly #services = new Map<string, Registered>();
  readonly #waiters = new Set<{ readonly wake: () => void; readonly cut: () => void }>();
  /** The requests so far, without the questions: `PUT agent/service/register`. */
  readonly writes: string[] = [];
  /** How far the count of changes is. */
  index = 10;

  constructor(
    readonly clock: Clock = systemClock,
    readonly token?: string,
  ) {}

  /** Cuts every connection and forgets everything, as an agent in development mode does. */
  restart(): void {
    for (const { timer } of this.#services.values()) timer?.[Symbol.dispose]();
    this.#services.clear();
    this.index = 10;
    for (const { cut } of [...this.#waiters]) cut();
  }

  /** Sets the state of a check. */
  mark(id: string, status: Registered["status"]): void {
    this.#services.get(id)!.status = status;
    this.#changed();
  }

  /** What is registered, as it was told. */
  definition(id: string): Record<string, unknown> | undefined {
    return this.#services.get(id)?.definition;
  }

  /** Whom a test registers, without a check. */
  put(definition: Registered["definition"]): void {
    this.#put(definition, { replacesChecks: false });
  }

  /** Whom a test removes. */
  remove(id: string): boolean {
    const known = this.#services.get(id);
    known?.timer?.[Symbol.dispose]();
    if (known === undefined) return false;
    this.#services.delete(id);
    this.#changed();
    return true;
  }

  /** Answers one request. */
  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const parts = url.pathname.replace(/^.*\/v1\//, "").split("/").map(decodeURIComponent);
    const path = parts.join("/");
    if (path === "status/leader") return Response.json("127.0.0.1:8300");
    if (this.token !== undefined && request.headers.get("x-consul-token") !== this.token) {
      return new Response(`Permission denied: ${request.headers.get("x-consul-token")}`, {
        status: 403,
      });
    }
    if (request.method === "GET" && path.startsWith("health/service/")) {
      return await this.#health(parts.slice(2).join("/"), url.searchParams, request.signal);
    }
    const id = parts.slice(3).join("/");
    this.writes.push(`${request.method} ${path}`);
    if (request.method === "PUT" && path === "agent/service/register") {
      const replacesChecks = url.searchParams.has("replace-existing-checks");
      return this.#register(await request.json(), { replacesChecks });
    }
    if (request.method === "PUT" && path.startsWith("agent/service/deregister/")) {
      if (this.remove(id)) return new Response();
      return new Response(`Unknown service ID "${id}"`, { status: 404 });
    }
    if (request.method === "PUT" && path.startsWith("agent/check/pass/service:")) {
      return this.#pass(id.slice("service:".length));
    }
    if (request.method === "GET" && path.startsWith("agent/service/")) {
      const known = this.#services.get(parts.slice(2).join("/"));
      return known ? Response.json(known.definition) : new Response("unknown", { status: 404 });
    }
    return new Response(null, { status: 405 });
  }

  #register(
    definition: Registered["definition"],
    options: { readonly replacesChecks: boolean },
  ): Response {
    const { Check: check = {}, ...rest } = definition as { Check?: Record<string, unknown> };
    const odd = [
      ...Object.keys(rest).filter((key) => !SERVICE.includes(key)),
      ...Object.keys(check).filter((key) =>
        ![...CHECK, "DeregisterCriticalServiceAfter"].includes(key)
      ),
    ];
    if (odd.length > 0) return new Response(`invalid keys: ${odd}`, { status: 400 });
    if (definition.Name === "bad") return new Response("Invalid service name", { status: 400 });
    this.#put(definition, options);
    return new Response();
  }

  #put(
    definition: Registered["definition"],
    { replacesChecks }: { readonly replacesChecks: boolean },
  ): void {
    const check = definition.Check as Record<string, string> | undefined;
    const known = this.#services.get(definition.ID);
    known?.timer?.[Symbol.dispose]();
    // A check of the same name keeps its state; one that is left out stays unless it is replaced.
    const isKept = known !== undefined && (check !== undefined || !replacesChecks);
    const initial = check === undefined ? "passing" : check.Status as "passing" ?? "critical";
    const service: Registered = {
      definition,
      ttlMs: milliseconds(check?.TTL),
      criticalMs: milliseconds(check?.DeregisterCriticalServiceAfter),
      status: isKept ? known.status : initial,
    };
    this.#services.set(definition.ID, service);
    this.#arm(service);
    this.#changed();
  }

  #pass(id: string): Response {
    const service = this.#services.get(id);
    if (service?.ttlMs === undefined) {
      return new Response(`CheckID "service:${id}" does not have associated TTL`, { status: 500 });
    }
    const isChange = service.status !== "passing";
    service.status = "passing";
    this.#arm(service);
    if (isChange) this.#changed();
    return new Response();
  }

  #arm(service: Registered): void {
    service.timer?.[Symbol.dispose]();
    if (service.ttlMs === undefined) return;
    service.timer = this.clock.after(service.ttlMs, () => {
      service.status = "critical";
      this.#changed();
      if (service.criticalMs === undefined) return;
      const remove = () => void this.remove(service.definition.ID);
      service.timer = this.clock.after(service.criticalMs, remove);
    });
  }

  async #health(name: string, params: URLSearchParams, signal: AbortSignal): Promise<Response> {
    const odd = [...params.keys()].filter((key) => !PARAMS.includes(key));
    if (odd.length > 0) return new Response(`invalid parameters: ${odd}`, { status: 400 });
    const after = Number(params.get("index") ?? 0);
    if (after >= this.index) {
      const waitMs = milliseconds(params.get("wait") ?? undefined) ?? 300_000;
      await this.#change(waitMs * (1 + Math.random() / 16), after, signal);
    }
    const found = [...this.#services.values()].filter(({ definition, status }) =>
      definition.Name === name &&
      (!params.has("passing") || status === "passing") &&
      params.getAll("tag").every((tag) => definition.Tags.includes(tag))
    );
    const entries = found.map(({ definition: { Name, Check: _, ...service }, status }) => ({
      Node: { Node: "node", Address: "127.0.0.1", Datacenter: "dc1" },
      Service: { Address: "", Weights: { Passing: 1, Warning: 1 }, Service: Name, ...service },
      Checks: [{ CheckID: `service:${service.ID}`, Status: status }],
    }));
    return Response.json(entries, { headers: { "x-consul-index": String(this.index) } });
  }

  /** Waits until something changes, as an agent does: one with a lower count lets it wait, too. */
  #change(waitMs: number, after: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: unknown) => {
        timer[Symbol.dispose]();
        this.#waiters.delete(waiter);
        if (error === undefined) resolve();
        else reject(error);
      };
      const waiter = {
        wake: () => this.index > after && end(),
        cut: () => end(new TypeError("connection closed")),
      };
      const timer = this.clock.after(waitMs, end);
      this.#waiters.add(waiter);
      signal.addEventListener("abort", () => end(signal.reason), { once: true });
    });
  }

  #changed(): void {
    this.index++;
    for (const { wake } of [...this.#waiters]) wake();
  }
}

function milliseconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^([\d.]+)(ms|s|m)$/.exec(text) ?? [];
  if (number === undefined) throw new TypeError(`"${text}" is no duration`);
  return Number(number) * { ms: 1, s: 1000, m: 60_000 }[unit as "ms"];
}
