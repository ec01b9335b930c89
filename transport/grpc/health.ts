/**
 * Tells over gRPC whether services can be called, as load balancers and Kubernetes ask for it.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { type Context, KitError } from "@kit/endpoint";
import { type HealthCheckResponse, healthService, NUMBERS } from "./_health_proto.ts";
import { fromProto } from "./from_proto.ts";
import type { Service, ServiceHost } from "./serve.ts";
import { type Binding, server } from "./server.ts";

/** What can be said of a service. */
export type ServingStatus = "unknown" | "serving" | "not_serving";

/** The most services that `List` tells at once: https://github.com/grpc/proposal, A90. */
const MAX_LISTED = 100;

/** The statuses of services, and what tells them. */
export interface Health {
  /** The methods of `grpc.health.v1.Health`, for the `services` of one server or several. */
  readonly service: Service;
  /**
   * Says how a service is. Who watches it is told at once.
   * @param name Its full name, as `pkg.Service`; `""` is the whole server.
   * @param status How it is.
   */
  set(name: string, status: ServingStatus): void;
  /**
   * Forgets a service: it is unknown from now on.
   * @param name Its full name.
   */
  delete(name: string): void;
}

/**
 * Gives the service `grpc.health.v1.Health`, which says at first that the whole server serves.
 *
 * `Check` of a service that was never set fails with `not_found`. `Watch` of it says
 * `SERVICE_UNKNOWN` and goes on, as it may be set later; a slow watcher is told the newest status and
 * not all that were between. `List` fails with `resource_exhausted` for more than 100 services.
 *
 * When a server begins to stop, it says `NOT_SERVING` of every service, whatever was set; who watches
 * is told so, and then the watching ends, lest it holds the stop up. So `delayMs` of `serve` is the
 * time that balancers have to send their calls elsewhere.
 * @returns The statuses, with the service that tells them.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { channel, serve } from "@kit/transport/grpc";
 * import { health } from "@kit/transport/grpc/health";
 * import { healthCheck } from "@kit/transport/grpc/health-check";
 * import assert from "node:assert/strict";
 * const healthy = health();
 * healthy.set("pkg.Strings", "not_serving");
 * await using running = await serve([], { listen: "127.0.0.1:0", services: [healthy.service] });
 * using there = channel(`127.0.0.1:${running.addr.port}`);
 * assert.equal(await healthCheck(there)("", background()), "serving");
 * assert.equal(await healthCheck(there)("pkg.Strings", background()), "not_serving");
 * ```
 */
export function health(): Health {
  const statuses = new Map<string, ServingStatus>([["", "serving"]]);
  const watchers = new Set<() => void>();

  function wakeWatchers(): void {
    for (const wake of watchers) wake();
  }

  /** Waits until some status has changed or one of the signals is aborted. */
  async function change(signals: readonly AbortSignal[]): Promise<void> {
    if (signals.some(({ aborted }) => aborted)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    watchers.add(wake);
    for (const signal of signals) signal.addEventListener("abort", wake);
    await promise;
    watchers.delete(wake);
    for (const signal of signals) signal.removeEventListener("abort", wake);
  }

  function service({ stopping }: ServiceHost): Binding[] {
    const { check, list, watch } = healthService().method;

    function numberOf(name: string): number | undefined {
      const status = statuses.get(name);
      return status && NUMBERS[stopping.aborted ? "not_serving" : status];
    }

    async function* watching(
      name: string,
      { signal }: Context,
    ): AsyncGenerator<HealthCheckResponse, void> {
      let told: number | undefined;
      while (!signal.aborted) {
        const status = numberOf(name) ?? NUMBERS.service_unknown;
        if (status !== told) {
          told = status;
          yield create(watch.output, { status });
        } else if (stopping.aborted) {
          return;
        } else {
          await change([signal, stopping]);
        }
      }
    }

    return [
      server(fromProto(check), ({ service: name }) => {
        const status = numberOf(name);
        return status === undefined
          ? Promise.reject(new KitError("not_found", "Unknown service"))
          : Promise.resolve(create(check.output, { status }));
      }),
      server(fromProto(list), () => {
        if (statuses.size > MAX_LISTED) {
          const message =
            `Cannot list services as at most ${MAX_LISTED} can be listed: current value is ${statuses.size}`;
          return Promise.reject(new KitError("resource_exhausted", message));
        }
        const all = [...statuses.keys()].map((name) => [name, { status: numberOf(name)! }]);
        return Promise.resolve(create(list.output, { statuses: Object.fromEntries(all) }));
      }),
      server(fromProto(watch), ({ service: name }, ctx) => Promise.resolve(watching(name, ctx))),
    ];
  }

  return {
    service,
    set(name, status) {
      if (statuses.get(name) === status) return;
      statuses.set(name, status);
      wakeWatchers();
    },
    delete(name) {
      if (statuses.delete(name)) wakeWatchers();
    },
  };
}
