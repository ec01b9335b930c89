/**
 * Hands calls on to other instances of the service.
 * @module
 */
import { apply, type Endpoint, KitError } from "@kit/endpoint";
import { retry, retryBudget, roundRobin } from "@kit/lb";
import type { Logger } from "@kit/log";
import { circuitBreaker, rateLimit, tokenBucket } from "@kit/middleware";
import { endpointer, fixed, type Instance } from "@kit/sd";
import type { Flag } from "../_shared/flags.ts";
import type { UppercaseRequest } from "./endpoints.ts";
import type { ServiceMiddleware } from "./service.ts";
import { type UppercaseAnswer, uppercaseClient, uppercaseUrl } from "./transport.ts";

/** Which instances to hand calls on to. */
export const proxy: Flag<readonly string[]> = {
  help: "instances to hand uppercase on to: host:port or URLs, separated by commas",
  byDefault: "",
  parse(text) {
    const instances = text === "" ? [] : text.split(",").map((one) => one.trim());
    instances.forEach(uppercaseUrl);
    return instances;
  },
};

/** How many calls a second one instance is given; what is beyond goes to another, or fails. */
const QPS = 100;

/**
 * Has `uppercase` done by other instances, each in turn. `count` stays here.
 * @param instances Where they are, as `host:port` or URLs; none to do all here.
 * @param log Where to say so.
 * @returns The middleware; disposing it lets go of the instances.
 */
export function proxying(
  instances: readonly string[],
  log: Logger,
): ServiceMiddleware & AsyncDisposable {
  if (instances.length === 0) {
    log({ proxy_to: "none" });
    return Object.assign<ServiceMiddleware, AsyncDisposable>((next) => next, {
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }
  log({ proxy_to: `[${instances.join(" ")}]` });
  // A registry's client takes the place of `fixed` where instances come and go.
  const endpoints = endpointer(fixed(instances.map(uppercaseUrl)), toInstance);
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
    [Symbol.asyncDispose]: () => endpoints[Symbol.asyncDispose](),
  });
}

/** Makes what calls one instance, which keeps its own limit and its own breaker. */
function toInstance({ address }: Instance): Endpoint<UppercaseRequest, UppercaseAnswer> {
  return apply(
    uppercaseClient(address),
    rateLimit(tokenBucket({ limit: QPS, burst: QPS })), // outside: what it refuses trips no breaker
    circuitBreaker(),
  );
}
