/**
 * Tells over gRPC whether services can be called, as load balancers and Kubernetes ask for it.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { type Context, KitError } from "@kit/endpoint";
import { type HealthCheckResponse, healthService } from "./_health_proto.ts";
import { fromProto } from "./from_proto.ts";
import { type Binding, server } from "./server.ts";

/** What can be said of a service. */
export type ServingStatus = "unknown" | "serving" | "not_serving";

const NUMBERS = { unknown: 0, serving: 1, not_serving: 2 } as const;
const SERVICE_UNKNOWN = 3;
/** The most services that `List` tells at once, as in https://github.com/grpc/proposal, A90. */
const MAX_LISTED = 100;

/** The statuses of services, and the service that tells them. */
export interface Health {
  /** The methods of `grpc.health.v1.Health`, for `serve`. */
  readonly bindings: readonly Binding[];
  /**
   * Says how a service is. Who watches it is told at once. After {@linkcode Health.drain} nothing
   * changes any more.
   * @param service Its full name, as `pkg.Service`; `""` is the whole server.
   * @param status How it is.
   */
  set(service: string, status: ServingStatus): void;
  /**
   * Forgets a service: it is unknown from now on.
   * @param service Its full name.
   */
  delete(service: string): void;
  /**
   * Says that no service serves any more. Who watches is told so, and then the watching ends, lest
   * it holds the drain up. It is what the `onDrain` of `serve` is for.
   */
  drain(): void;
}

/**
 * Gives a service of the name `grpc.health.v1.Health`, which says that the whole server serves.
 *
 * `Check` of a service that was never set fails with `not_found`. `Watch` of it says
 * `SERVICE_UNKNOWN` and goes on, as it may be set later; a slow watcher is told the newest status and
 * not all that were between. `List` fails with `resource_exhausted` for more than 100 services.
 * @returns The statuses, with the bindings of the service.
 * @example Usage
 * ```ts
 * import { health, serve } from "@kit/transport/grpc";
 * const healthy = health();
 * healthy.set("pkg.Strings", "serving");
 * await using running = await serve([...healthy.bindings], {
 *   listen: "127.0.0.1:0",
 *   onDrain: healthy.drain,
 * });
 * ```
 */
export function health(): Health {
  const { check, list, watch } = healthService().method;
  const statuses = new Map<string, ServingStatus>([["", "serving"]]);
  const watchers = new Set<() => void>();
  let isDraining = false;

  function numberOf(service: string): number | undefined {
    const status = statuses.get(service);
    return status && NUMBERS[status];
  }

  function wakeWatchers(): void {
    for (const wake of watchers) wake();
  }

  /** Waits until some service has changed or the call is over. */
  async function change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    watchers.add(wake);
    signal.addEventListener("abort", wake);
    await promise;
    watchers.delete(wake);
    signal.removeEventListener("abort", wake);
  }

  async function* watching(
    service: string,
    { signal }: Context,
  ): AsyncGenerator<HealthCheckResponse, void> {
    let told: number | undefined;
    while (!signal.aborted) {
      const status = numberOf(service) ?? SERVICE_UNKNOWN;
      if (status !== told) {
        told = status;
        yield create(watch.output, { status });
      } else if (isDraining) {
        return;
      } else {
        await change(signal);
      }
    }
  }

  return {
    bindings: [
      server(fromProto(check), ({ service }) => {
        const status = numberOf(service);
        return status === undefined
          ? Promise.reject(new KitError("not_found", "Unknown service"))
          : Promise.resolve(create(check.output, { status }));
      }),
      server(fromProto(list), () => {
        if (statuses.size > MAX_LISTED) {
          return Promise.reject(
            new KitError(
              "resource_exhausted",
              `Cannot list services as at most ${MAX_LISTED} can be listed: current value is ${statuses.size}`,
            ),
          );
        }
        const all = [...statuses].map(([name, status]) => [name, { status: NUMBERS[status] }]);
        return Promise.resolve(create(list.output, { statuses: Object.fromEntries(all) }));
      }),
      server(fromProto(watch), ({ service }, ctx) => Promise.resolve(watching(service, ctx))),
    ],
    set(service, status) {
      if (isDraining || statuses.get(service) === status) return;
      statuses.set(service, status);
      wakeWatchers();
    },
    delete(service) {
      if (!isDraining && statuses.delete(service)) wakeWatchers();
    },
    drain() {
      for (const service of statuses.keys()) statuses.set(service, "not_serving");
      isDraining = true;
      wakeWatchers();
    },
  };
}
