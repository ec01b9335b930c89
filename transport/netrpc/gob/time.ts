/**
 * Go's `time.Time`.
 * @module
 */
import { opaque } from "./opaque.ts";
import type { GobType } from "./type.ts";

/** Seconds from the first of January of the year 1 to that of 1970. */
const UNIX_SECONDS = 62_135_596_800n;
const NANOS = 1_000_000_000n;
/** What Go writes for UTC in place of an offset. */
const UTC = -1;

/** Writes an instant as `MarshalBinary` does. */
function encodeNanos(nanos: bigint): Uint8Array {
  const out = new DataView(new ArrayBuffer(15));
  const rest = ((nanos % NANOS) + NANOS) % NANOS;
  out.setUint8(0, 1);
  out.setBigInt64(1, (nanos - rest) / NANOS + UNIX_SECONDS);
  out.setInt32(9, Number(rest));
  out.setInt16(13, UTC);
  return new Uint8Array(out.buffer);
}

/** Reads what `MarshalBinary` writes; version 2 has a byte more, for seconds of the offset. */
function decodeNanos(bytes: Uint8Array): bigint {
  const size = bytes[0] === 1 ? 15 : bytes[0] === 2 ? 16 : 0;
  if (bytes.length !== size) throw new TypeError("Cannot read time as it is none of Go's");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return (view.getBigInt64(1) - UNIX_SECONDS) * NANOS + BigInt(view.getInt32(9));
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;

function fromText(json: unknown): bigint {
  const match = typeof json === "string" ? RFC_3339.exec(json) : null;
  const ms = match === null
    ? NaN
    : Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}${match[6]}`);
  if (Number.isNaN(ms)) throw new TypeError("Cannot read time as it is not RFC 3339");
  return BigInt(ms) * 1_000_000n + BigInt((match![5] ?? "").padEnd(9, "0"));
}

function toText(nanos: bigint): string {
  const rest = ((nanos % NANOS) + NANOS) % NANOS;
  const date = new Date(Number((nanos - rest) / 1_000_000n)).toISOString();
  const fraction = String(rest).padStart(9, "0").replace(/0+$/, "");
  return date.slice(0, -5) + (fraction && `.${fraction}`) + "Z";
}

const ZERO = -UNIX_SECONDS * NANOS;

/**
 * Go's `time.Time` as nanoseconds since the first of January 1970, exact. The offset of its location
 * is dropped; what is sent is UTC. The zero time is that of Go, in the year 1.
 */
export const timeNs: GobType<bigint> = /* @__PURE__ */ opaque<bigint>("Time", {
  encode: encodeNanos,
  decode: decodeNanos,
  zero: () => ZERO,
  toJson: toText,
  fromJson: fromText,
});

/** Milliseconds, rounded down as Go does. */
function toDate(nanos: bigint): Date {
  const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((nanos - rest) / 1_000_000n));
  if (Number.isNaN(date.getTime())) throw new RangeError("Cannot read time as a Date cannot be it");
  return date;
}

function toNanos(date: Date): bigint {
  return BigInt(date.getTime()) * 1_000_000n;
}

/**
 * Go's `time.Time` as a `Date`: to the millisecond, without its location; what is sent is UTC. The
 * zero time is that of Go, in the year 1. `timeNs` is exact.
 */
export const time: GobType<Date> = /* @__PURE__ */ opaque<Date>("Time", {
  encode: (date) => encodeNanos(toNanos(date)),
  decode: (bytes) => toDate(decodeNanos(bytes)),
  zero: () => new Date(Number(ZERO / 1_000_000n)),
  toJson: (date) => toText(toNanos(date)),
  fromJson: (json) => toDate(fromText(json)),
});
