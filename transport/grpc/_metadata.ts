/**
 * Metadata between Kit, where every value is text, and grpc-js, where binary values are bytes.
 * @module
 */
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import type { Metadata } from "@kit/endpoint";
import { Buffer } from "node:buffer";
import { HOP_BY_HOP } from "../http/_hop_by_hop.ts";
import type { MetadataWriter } from "./metadata_writer.ts";

/** Names that HTTP/2 or gRPC itself sets. */
const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "user-agent",
  "accept-encoding",
]);

/** Whether a name is about one request on one connection, and so not the user's. */
export function isReserved(name: string): boolean {
  return name.startsWith("grpc-") || name.startsWith(":") || RESERVED.has(name) ||
    HOP_BY_HOP.has(name);
}

/** Metadata that has come in. Nothing is copied. */
export class IncomingMetadata implements Metadata {
  readonly #source: GrpcMetadata;

  constructor(source: GrpcMetadata) {
    this.#source = source;
  }

  get(name: string): string | undefined {
    const value = this.#source.get(name)[0];
    return value === undefined ? undefined : text(value);
  }

  getAll(name: string): readonly string[] {
    return this.#source.get(name).map(text);
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (const [name, values] of pairs(this.#source)) {
      for (const value of values) yield [name, text(value)];
    }
  }
}

/** Metadata that goes out. */
export class OutgoingMetadata implements MetadataWriter {
  readonly #target: GrpcMetadata;

  constructor(target: GrpcMetadata = new GrpcMetadata()) {
    this.#target = target;
  }

  /** What grpc-js sends. */
  get target(): GrpcMetadata {
    return this.#target;
  }

  get(name: string): string | undefined {
    const value = this.#target.get(name)[0];
    return value === undefined ? undefined : text(value);
  }

  set(name: string, value: string): void {
    this.#target.set(name, checked(name, value));
  }

  append(name: string, value: string): void {
    this.#target.add(name, checked(name, value));
  }

  delete(name: string): void {
    this.#target.remove(name);
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (const [name, values] of pairs(this.#target)) {
      for (const value of values) yield [name, text(value)];
    }
  }
}

function pairs(source: GrpcMetadata): [string, (string | Buffer)[]][] {
  return Object.entries(source.toJSON() as Record<string, (string | Buffer)[]>);
}

function text(value: string | Buffer): string {
  return typeof value === "string" ? value : value.toString("base64");
}

function checked(name: string, value: string): string | Buffer {
  const key = name.toLowerCase();
  if (!/^[0-9a-z_.-]+$/.test(key) || isReserved(key)) {
    throw new TypeError(
      `Cannot send metadata as its name must be of 0-9 a-z _ . - and not gRPC's own: current value is ${
        JSON.stringify(name)
      }`,
    );
  }
  if (key.endsWith("-bin")) return Buffer.from(value, "base64");
  if (!/^[ -~]*$/.test(value)) {
    throw new TypeError(
      `Cannot send metadata "${key}" as its value must be printable ASCII, or base64 under a name that ends in "-bin"`,
    );
  }
  return value;
}
