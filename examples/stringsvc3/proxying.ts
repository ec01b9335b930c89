/**
 * Hands calls on to other instances of the service.
 * @module
 */
import { apply, type Endpoint, KitError } from "@kit/endpoint";
import { retry, retryBudget, roundRobin } from "@kit/lb";
import type { Logger } from "@kit/log";
import { circuitBreaker, rateLimit, tokenBucket } from "@kit/middleware";
import { endpointer, type Instance } from "@kit/sd";
import type { Flag } from "../_shared/flags.ts";
import { FORMS, listed, logged, parseRegistry, type Registry } from "../_shared/registry.ts";
import type { UppercaseRequest } from "./endpoints.ts";
import type { ServiceMiddleware } from "./service.ts";
import { type UppercaseAnswer, uppercaseClient, uppercaseUrl } from "./transport.ts";

/** Which instances to hand calls on to. */
export const proxy: Flag<Registry | undefined> = {
  help: `instances to hand uppercase on to: host:port or URLs, separated by commas, or
                    where to find them: ${FORMS}`,
  byDefault: "",
  parse(text) {
    if (text === "") return undefined;
    const registry = parseRegistry(text);
    if (registry !== undefined) return registry;
    const instances = text.split(",").map((one) => one.trim());
    return listed(instances.map(uppercaseUrl), instances.join(","));
  },
};

/** How many calls a second one instance is given; what is beyond goes to another, or fails. */
const QPS = 100;

/**
 * Has `uppercase` done by other instances, each in turn. `count` stays here.
 * @param registry Where they are; none to do all here.
 * @param log Where to say so.
 * @returns The middleware; disposing it lets go of the instances.
 */
export function proxying(
  registry: Registry | undefined,
  log: Logger,
): ServiceMiddleware & AsyncDisposable {
  if (registry === undefined) {
    log({ proxy_to: "none" });
    return Object.assign<ServiceMiddleware, AsyncDisposable>((next) => next, {
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }
  log({ proxy_to: `[${registry.url.replaceAll(",", " ")}]` });
  const instancer = registry.find(logged(log, registry));
  const endpoints = endpointer(instancer, toInstance);
  const uppercase = retry(roundRobin(endpoints), {
    maxAttempts: 3,
    timeoutMs: 250,
    retryable: () => true, // it changes nothing, so it may be done twice
    budget: retryBudget({ ratio: 0.5 }), // enough for a third of the calls, as if one of 3 is down
  });
  const middleware: ServiceMiddleware = (next) => ({
    async uppercase(s, ctx) {
      const { v, err } = await uppercase({ s }, ctx);
      if (err) throw new KitError("invalid_argument", err);
      return v;
    },
    count: (s, ctx) => next.count(s, ctx),
  });
  return Object.assign(middleware, {
    async [Symbol.asyncDispose]() {
      await endpoints[Symbol.asyncDispose]();
      await instancer[Symbol.asyncDispose]();
    },
  });
}

/** Makes what calls one instance, which keeps its own limit and its own breaker. */
function toInstance({ address }: Instance): Endpoint<UppercaseRequest, UppercaseAnswer> {
  return apply(
    uppercaseClient(uppercaseUrl(address)),
    rateLimit(tokenBucket({ limit: QPS, burst: QPS })), // outside: what it refuses trips no breaker
    circuitBreaker(),
  );
}
