/**
 * What Consul says about the health of a service, as instances.
 * @module
 */
import type { Instance } from "../instance.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads an answer of `/v1/health/service`.
 * @param text The answer.
 * @param tags What an instance must have, each of them: an agent before 1.3 looks at one only.
 * @returns The instances. Whether an address is one is not looked at.
 * @throws {Error} If it is not what an agent answers.
 */
export function instancesOf(text: string, tags: readonly string[]): Instance[] {
  const entries: unknown = JSON.parse(text);
  if (!Array.isArray(entries)) throw new TypeError("Answer is no list");
  return entries.map(entryOf)
    .filter(({ service }) => tags.every((tag) => strings(service.Tags).includes(tag)))
    // Two with one address: always the same of them counts.
    .sort((a, b) => compare(String(a.service.ID), String(b.service.ID)))
    .map(instanceOf);
}

function entryOf(entry: unknown) {
  const { Service, Node, Checks } = object(entry) ?? {};
  const service = object(Service);
  if (service === undefined) throw new TypeError("Entry of answer has no service");
  return { service, node: object(Node) ?? {}, checks: Array.isArray(Checks) ? Checks : [] };
}

function instanceOf({ service, node, checks }: ReturnType<typeof entryOf>): Instance {
  const host = String(service.Address || node.Address || "");
  const address = `${host.includes(":") ? `[${host}]` : host}:${service.Port}`;
  const tags = strings(service.Tags);
  const meta = Object.entries(object(service.Meta) ?? {})
    .filter((pair): pair is [string, string] => typeof pair[1] === "string");
  const zone = meta.find(([name]) => name === "zone")?.[1];
  const version = meta.find(([name]) => name === "version")?.[1];
  const rest = meta.filter(([name]) => name !== "zone" && name !== "version");
  const isWarning = checks.some((check) => object(check)?.Status === "warning");
  const weight = object(service.Weights)?.[isWarning ? "Warning" : "Passing"];
  return {
    address,
    ...(typeof weight === "number" && weight >= 0 && weight !== 1 && { weight }),
    ...(zone !== undefined && { zone }),
    ...(version !== undefined && { version }),
    ...(tags.length > 0 && { tags }),
    ...(rest.length > 0 && { metadata: Object.fromEntries(rest) }),
  };
}

function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null ? value as Json : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
