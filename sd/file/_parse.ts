/**
 * Reads a list of instances in the shape of Prometheus' `file_sd`.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { isCollection, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { parseAddress } from "../address.ts";
import type { Instance } from "../instance.ts";

/** Refuses the file, telling the line of a node. */
type Refuse = (why: string, node?: unknown) => never;

/**
 * Reads instances from YAML or JSON, which is YAML too. All values are taken as text, so that
 * version `1.10` stays what it is.
 * @throws {KitError} With code `invalid_argument` and the line, if it is not of the right shape.
 */
export function parseInstances(text: string): Instance[] {
  const lines = new LineCounter();
  const refuse: Refuse = (why, node) => {
    const start = (node as Node | undefined)?.range?.[0];
    const place = start === undefined ? "it" : `line ${lines.linePos(start).line}`;
    throw new KitError("invalid_argument", `Cannot read instances as ${place} ${why}`);
  };
  // Without the resolution of values, and without aliases, which could make much out of little.
  const document = parseDocument(text, { schema: "failsafe", lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const [what] = error.message.split(/ at line \d/);
    const { line } = lines.linePos(error.pos[0]);
    throw new KitError(
      "invalid_argument",
      `Cannot read instances as line ${line} is broken: ${what}`,
    );
  }
  const list = document.contents;
  if (!isSeq(list)) refuse("is no list", list ?? undefined);
  return list.items.flatMap((item) =>
    isScalar(item) ? { address: address(item, refuse) } : group(item, refuse)
  );
}

function group(item: unknown, refuse: Refuse): Instance[] {
  const { targets, labels, ...others } = fields(item, "targets and labels", refuse);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) refuse(`has "${unknown}", not only targets and labels`, item);
  if (!isSeq(targets)) refuse("has no list of targets", targets ?? item);
  const described = labels === undefined ? {} : describe(labels, refuse);
  return targets.items.map((target) => ({ address: address(target, refuse), ...described }));
}

function describe(labels: unknown, refuse: Refuse): Omit<Instance, "address"> {
  const { weight, priority, zone, version, tags, ...others } = fields(labels, "labels", refuse);
  const metadata = Object.entries(others).map(([name, node]) => [name, string(node, refuse)]);
  return {
    ...(weight !== undefined && { weight: number(weight, refuse) }),
    ...(priority !== undefined && { priority: number(priority, refuse) }),
    ...(zone !== undefined && { zone: string(zone, refuse) }),
    ...(version !== undefined && { version: string(version, refuse) }),
    ...(tags !== undefined && { tags: words(tags, refuse) }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
}

function fields(node: unknown, what: string, refuse: Refuse): Record<string, unknown> {
  if (!isMap(node)) refuse(`holds no ${what}`, node);
  return Object.fromEntries(
    node.items.map(({ key, value }) => [string(key, refuse), value ?? undefined]),
  );
}

function string(node: unknown, refuse: Refuse): string {
  if (!isScalar(node) || typeof node.value !== "string") refuse("holds no text", node);
  return node.value;
}

function number(node: unknown, refuse: Refuse): number {
  const text = string(node, refuse);
  const value = Number(text);
  if (!/^\d/.test(text) || !Number.isFinite(value)) {
    refuse("holds no number of zero or more", node);
  }
  return value;
}

/** A list of words, or a text with commas between them, as labels of Prometheus are texts. */
function words(node: unknown, refuse: Refuse): string[] {
  if (isSeq(node)) return node.items.map((word) => string(word, refuse));
  if (isCollection(node)) refuse("holds no list of words", node);
  return string(node, refuse).split(",").map((word) => word.trim()).filter((word) => word !== "");
}

function address(node: unknown, refuse: Refuse): string {
  const text = string(node, refuse);
  try {
    parseAddress(text);
  } catch (error) {
    refuse(`holds no address: ${(error as Error).message}`, node);
  }
  return text;
}
