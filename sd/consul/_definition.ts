/**
 * An instance in the words of Consul's API.
 * @module
 */
import { checkPositive } from "@kit/endpoint/check";
import { parseAddress } from "../address.ts";
import { checkName } from "./_agent.ts";
import type { ConsulCheck, ConsulService } from "./registrar.ts";

/** How often the agent is asked after a service that has no TTL. */
const VERIFY_MS = 10_000;
const MAX_WEIGHT = 65_535;

/** What an agent is told of a service, and what follows from it. */
export interface Definition {
  readonly id: string;
  readonly isTtl: boolean;
  /** How often the agent hears of the instance. */
  readonly keepAliveMs: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Checks an instance, and says it in the words of Consul. */
export function definitionOf(service: ConsulService): Definition {
  const { address, tags, weight, zone, version, metadata, check = { ttlMs: 15_000 } } = service;
  const name = checkName("name", service.name);
  const id = checkName("id", service.id ?? `${name}-${address}`);
  if (weight !== undefined && !(Number.isInteger(weight) && 1 <= weight && weight <= MAX_WEIGHT)) {
    throw new RangeError(
      `Cannot use "weight" as it must be an integer from 1 to 65535: current value is ${weight}`,
    );
  }
  const meta = { ...metadata, ...(zone && { zone }), ...(version && { version }) };
  const isTtl = check !== null && "ttlMs" in check;
  return {
    id,
    isTtl,
    keepAliveMs: isTtl ? check.ttlMs / 3 : VERIFY_MS,
    body: {
      Name: name,
      ID: id,
      ...placeOf(address),
      Tags: [...tags ?? []],
      Meta: meta,
      ...(weight !== undefined && { Weights: { Passing: weight, Warning: 1 } }),
      ...(check !== null && { Check: checkOf(check, service.deregisterCriticalAfterMs) }),
    },
  };
}

function placeOf(address: string): { readonly Address?: string; readonly Port: number } {
  const ofNode = address.startsWith(":");
  const { host, port, url } = parseAddress(ofNode ? `node${address}` : address);
  if (url !== undefined) {
    throw new TypeError(
      `Cannot use "address" as it must be "host:port": current value is "${url}"`,
    );
  }
  return { ...(!ofNode && { Address: host }), Port: port };
}

function checkOf(check: ConsulCheck, deregisterCriticalAfterMs = 600_000) {
  checkPositive("deregisterCriticalAfterMs", deregisterCriticalAfterMs);
  return {
    ...probeOf(check),
    ...(deregisterCriticalAfterMs < Infinity && {
      DeregisterCriticalServiceAfter: duration(deregisterCriticalAfterMs),
    }),
  };
}

function probeOf(check: ConsulCheck): Readonly<Record<string, unknown>> {
  if ("ttlMs" in check) {
    checkFinite("ttlMs", check.ttlMs);
    return { TTL: duration(check.ttlMs), Status: "passing" };
  }
  const { intervalMs = 10_000, timeoutMs } = check;
  checkFinite("intervalMs", intervalMs);
  if (timeoutMs !== undefined) checkFinite("timeoutMs", timeoutMs);
  return {
    ..."http" in check ? { HTTP: check.http } : "tcp" in check ? { TCP: check.tcp } : {
      GRPC: check.grpc,
    },
    Interval: duration(intervalMs),
    ...(timeoutMs !== undefined && { Timeout: duration(timeoutMs) }),
  };
}

function checkFinite(name: string, value: number): void {
  checkPositive(name, value === Infinity ? NaN : value);
}

function duration(ms: number): string {
  return `${ms}ms`;
}
