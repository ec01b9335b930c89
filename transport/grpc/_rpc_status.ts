/**
 * The message google.rpc.Status and the details in it that Kit knows
 * (https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto).
 * @module
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ErrorDetail } from "@kit/endpoint";
import { Buffer } from "node:buffer";
import { decodeStruct, encodeStruct } from "./_struct.ts";

/** What a status tells. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly ErrorDetail[];
  readonly retryAfterMs: number | undefined;
}

const PREFIX = "type.googleapis.com/";
const BAD_REQUEST = `${PREFIX}google.rpc.BadRequest`;
const ERROR_INFO = `${PREFIX}google.rpc.ErrorInfo`;
const RETRY_INFO = `${PREFIX}google.rpc.RetryInfo`;
const STRUCT = `${PREFIX}google.protobuf.Struct`;

/** More than this many of anything is not read. */
const MAX_ITEMS = 1000;

/** A field that is wrong, as Kit tells it. */
interface FieldDetail extends ErrorDetail {
  readonly pointer: string;
  readonly detail: string;
}

/** Makes the bytes of a status. */
export function encodeStatus(status: RpcStatus): Uint8Array {
  const { code, message, details, retryAfterMs } = status;
  const writer = new BinaryWriter();
  if (code !== 0) writer.tag(1, WireType.Varint).int32(code);
  if (message !== "") writer.tag(2, WireType.LengthDelimited).string(message);
  const fields = details.filter(isFieldDetail);
  if (fields.length > 0) any(writer, BAD_REQUEST, badRequest(fields));
  for (const detail of details) {
    if (isFieldDetail(detail)) continue;
    const type = detail["@type"];
    if (type === ERROR_INFO) any(writer, ERROR_INFO, errorInfo(detail));
    else if (typeof type === "string" && typeof detail.value === "string") {
      any(writer, type, Buffer.from(detail.value, "base64"));
    } else any(writer, STRUCT, encodeStruct(detail));
  }
  if (retryAfterMs !== undefined && retryAfterMs >= 0) {
    any(writer, RETRY_INFO, retryInfo(retryAfterMs));
  }
  return writer.finish();
}

/** Reads a status; throws if the bytes are none. */
export function decodeStatus(bytes: Uint8Array): RpcStatus {
  let code = 0;
  let message = "";
  let retryAfterMs: number | undefined;
  const details: ErrorDetail[] = [];
  eachField(bytes, (field, reader) => {
    if (field === 1) code = reader.int32();
    else if (field === 2) message = reader.string();
    else if (field === 3) {
      const { type, value } = decodeAny(reader.bytes());
      if (type === RETRY_INFO) retryAfterMs = decodeRetryInfo(value);
      else details.push(...decodeDetail(type, value));
    } else return false;
    return true;
  });
  return { code, message, details, retryAfterMs };
}

function decodeDetail(type: string, value: Uint8Array): readonly ErrorDetail[] {
  try {
    if (type === BAD_REQUEST) return decodeBadRequest(value);
    if (type === ERROR_INFO) return [decodeErrorInfo(value)];
    if (type === STRUCT) return [decodeStruct(value)];
  } catch {
    // What cannot be read is passed on as it is.
  }
  return [{ "@type": type, value: Buffer.from(value).toString("base64") }];
}

/** Calls back for each field; what it does not take is skipped. */
function eachField(
  bytes: Uint8Array,
  take: (field: number, reader: BinaryReader) => boolean,
): void {
  const reader = new BinaryReader(bytes);
  for (let count = 0; reader.pos < reader.len; count++) {
    if (count === MAX_ITEMS) throw new RangeError("Cannot read message as it has too many fields");
    const [field, type] = reader.tag();
    const isText = type === WireType.LengthDelimited;
    const isKnown = isText || (type === WireType.Varint && field <= 2);
    if (!isKnown || !take(field, reader)) reader.skip(type, field);
  }
}

function any(writer: BinaryWriter, type: string, value: Uint8Array): void {
  writer.tag(3, WireType.LengthDelimited).fork()
    .tag(1, WireType.LengthDelimited).string(type)
    .tag(2, WireType.LengthDelimited).bytes(value)
    .join();
}

function decodeAny(bytes: Uint8Array): { readonly type: string; readonly value: Uint8Array } {
  let type = "";
  let value: Uint8Array = new Uint8Array();
  eachField(bytes, (field, reader) => {
    if (field === 1) type = reader.string();
    else if (field === 2) value = reader.bytes();
    else return false;
    return true;
  });
  return { type, value };
}

function isFieldDetail(detail: ErrorDetail): detail is FieldDetail {
  return typeof detail.pointer === "string" && typeof detail.detail === "string" &&
    Object.keys(detail).length === 2;
}

function badRequest(fields: readonly FieldDetail[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { pointer, detail } of fields) {
    writer.tag(1, WireType.LengthDelimited).fork()
      .tag(1, WireType.LengthDelimited).string(fieldPath(pointer))
      .tag(2, WireType.LengthDelimited).string(detail)
      .join();
  }
  return writer.finish();
}

function decodeBadRequest(bytes: Uint8Array): ErrorDetail[] {
  const details: ErrorDetail[] = [];
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    let path = "";
    let detail = "";
    eachField(reader.bytes(), (field, reader) => {
      if (field === 1) path = reader.string();
      else if (field === 2) detail = reader.string();
      else return false;
      return true;
    });
    details.push({ pointer: pointerOf(path), detail });
    return true;
  });
  return details;
}

/** `/items/0/name` is `items[0].name` to gRPC, where its steps are names and places in lists. */
function fieldPath(pointer: string): string {
  const steps = pointer.split("/").slice(1);
  if (pointer !== "" && !steps.every((step) => /^(?:[A-Za-z_]\w*|0|[1-9]\d*)$/.test(step))) {
    return pointer;
  }
  return steps.map((step) => /^\d/.test(step) ? `[${step}]` : `.${step}`).join("").replace(
    /^\./,
    "",
  );
}

function pointerOf(path: string): string {
  if (path === "" || path.startsWith("/")) return path;
  if (!/^(?:[A-Za-z_]\w*|\[\d+\])(?:\.[A-Za-z_]\w*|\[\d+\])*$/.test(path)) {
    return `/${path.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  }
  return `/${path.replace(/^\[/, "").replaceAll("]", "").replaceAll(/[.[]/g, "/")}`;
}

function errorInfo(detail: ErrorDetail): Uint8Array {
  const writer = new BinaryWriter();
  const text = (field: number, value: unknown): void => {
    if (typeof value === "string" && value !== "") {
      writer.tag(field, WireType.LengthDelimited).string(value);
    }
  };
  text(1, detail.reason);
  text(2, detail.domain);
  for (const [key, value] of Object.entries(detail.metadata ?? {})) {
    if (typeof value !== "string") continue;
    writer.tag(3, WireType.LengthDelimited).fork();
    text(1, key);
    text(2, value);
    writer.join();
  }
  return writer.finish();
}

function decodeErrorInfo(bytes: Uint8Array): ErrorDetail {
  let reason = "";
  let domain = "";
  const entries: [string, string][] = [];
  eachField(bytes, (field, reader) => {
    if (field === 1) reason = reader.string();
    else if (field === 2) domain = reader.string();
    else if (field === 3) {
      const entry: [string, string] = ["", ""];
      eachField(reader.bytes(), (field, reader) => {
        if (field !== 1 && field !== 2) return false;
        entry[field - 1] = reader.string();
        return true;
      });
      entries.push(entry);
    } else return false;
    return true;
  });
  return {
    "@type": ERROR_INFO,
    reason,
    domain,
    // Made by definition, so that `__proto__` is a key like any other.
    metadata: Object.fromEntries(entries),
  };
}

function retryInfo(retryAfterMs: number): Uint8Array {
  const seconds = Math.floor(retryAfterMs / 1000);
  const nanos = Math.round((retryAfterMs - seconds * 1000) * 1e6);
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
  if (seconds !== 0) writer.tag(1, WireType.Varint).int64(seconds);
  if (nanos !== 0) writer.tag(2, WireType.Varint).int32(nanos);
  return writer.join().finish();
}

function decodeRetryInfo(bytes: Uint8Array): number | undefined {
  let ms: number | undefined;
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    ms = 0;
    eachField(reader.bytes(), (field, reader) => {
      if (field === 1) ms! += Number(reader.int64()) * 1000;
      else if (field === 2) ms! += reader.int32() / 1e6;
      else return false;
      return true;
    });
    return true;
  });
  return ms;
}
