/**
 * The part of the DNS wire format (RFC 1035, 2782, 3596, 6891) that a stub resolver needs.
 * @module
 */

/** What can be asked for. */
export type RecordType = "A" | "AAAA" | "SRV";

const TYPES: Readonly<Record<RecordType, number>> = { A: 1, AAAA: 28, SRV: 33 };
const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const HEADER_LENGTH = 12;
const RECURSION_DESIRED = 0x0100;
const IS_RESPONSE = 0x8000;
const IS_TRUNCATED = 0x0200;
/** What most networks carry without fragments. */
const UDP_SIZE = 1232;

/** One record of an SRV answer. */
export interface SrvRecord {
  /** Its rank: the lowest is used while it has anybody. */
  readonly priority: number;
  /** Its share among those of the same priority. */
  readonly weight: number;
  /** The port. */
  readonly port: number;
  /** The name of the host. */
  readonly target: string;
}

/** An answer. */
export interface Answer {
  /** The name of the response code, such as `SERVFAIL`. */
  readonly rcode: string;
  /** Whether it had to leave records out. */
  readonly isTruncated: boolean;
  /** The addresses, of an answer to A or AAAA. */
  readonly addresses: readonly string[];
  /** The records, of an answer to SRV. */
  readonly services: readonly SrvRecord[];
}

/**
 * Writes a question.
 * @throws {TypeError} If the name is none that DNS can carry.
 */
export function encodeQuery(
  name: string,
  type: RecordType,
  { id, takesLargeUdp }: { id: number; takesLargeUdp: boolean },
): Uint8Array<ArrayBuffer> {
  const qname = encodeName(name);
  const edns = takesLargeUdp ? [0, 0, 41, UDP_SIZE >> 8, UDP_SIZE & 255, 0, 0, 0, 0, 0, 0] : [];
  const header = [id, RECURSION_DESIRED, 1, 0, 0, takesLargeUdp ? 1 : 0]
    .flatMap((word) => [word >> 8, word & 255]);
  return Uint8Array.of(...header, ...qname, 0, TYPES[type], 0, 1, ...edns);
}

/**
 * Writes a name.
 * @throws {TypeError} If it is none that DNS can carry.
 */
export function encodeName(name: string): number[] {
  const labels = name.replace(/\.$/, "").split(".");
  const bytes = labels.flatMap((
    label,
  ) => [label.length, ...Array.from(label, (c) => c.charCodeAt(0))]);
  if (bytes.length > 254 || !labels.every((label) => /^[!-~]{1,63}$/.test(label))) {
    throw new TypeError(`Cannot resolve name as it is no DNS name: current value is "${name}"`);
  }
  return [...bytes, 0];
}

/** Tells whether `message` answers `query`: the same id and the same question. */
export function isAnswerTo(message: Uint8Array, query: Uint8Array): boolean {
  if (message.length < HEADER_LENGTH || !(message[2]! & (IS_RESPONSE >> 8))) return false;
  if (message[0] !== query[0] || message[1] !== query[1]) return false;
  // Servers that do not understand a query may leave the question out.
  if (message[4] === 0 && message[5] === 0) return (message[3]! & 15) !== 0;
  const end = endOfQuestion(query);
  for (let i = HEADER_LENGTH; i < end; i++) {
    if (lower(message[i]) !== lower(query[i])) return false;
  }
  return true;
}

function endOfQuestion(query: Uint8Array): number {
  let at = HEADER_LENGTH;
  while (query[at] !== 0) at += query[at]! + 1;
  return at + 5;
}

function lower(byte: number | undefined): number | undefined {
  return byte !== undefined && byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/**
 * Reads an answer.
 * @throws {RangeError} If it is cut off or malformed.
 */
export function decodeAnswer(message: Uint8Array): Answer {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  const addresses: string[] = [];
  const services: SrvRecord[] = [];
  const isTruncated = (flags & IS_TRUNCATED) !== 0;
  const rcode = RCODES[flags & 15] ?? `code ${flags & 15}`;
  if (isTruncated || rcode !== "NOERROR") return { rcode, isTruncated, addresses, services };
  let at = HEADER_LENGTH;
  for (let left = view.getUint16(4); left > 0; left--) at = readName(view, at).end + 4;
  for (let left = view.getUint16(6); left > 0; left--) {
    at = readName(view, at).end;
    const type = view.getUint16(at);
    const length = view.getUint16(at + 8);
    const data = at + 10;
    at = data + length;
    if (at > view.byteLength) throw new RangeError("Cannot read DNS record as it is cut off");
    if (type === TYPES.A && length === 4) addresses.push(readBytes(view, data, 4).join("."));
    if (type === TYPES.AAAA && length === 16) addresses.push(readIpv6(view, data));
    if (type === TYPES.SRV) {
      services.push({
        priority: view.getUint16(data),
        weight: view.getUint16(data + 2),
        port: view.getUint16(data + 4),
        target: readName(view, data + 6).name,
      });
    }
  }
  return { rcode, isTruncated, addresses, services };
}

function readBytes(view: DataView, at: number, length: number): number[] {
  return Array.from({ length }, (_, i) => view.getUint8(at + i));
}

function readIpv6(view: DataView, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i).toString(16));
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}

/** Reads a name, in lower case and without the dot at its end; pointers may only lead back. */
function readName(view: DataView, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  let limit = start;
  let end: number | undefined;
  for (let length = view.getUint8(at); length !== 0; length = view.getUint8(at)) {
    if (length >= 0xc0) {
      end ??= at + 2;
      at = view.getUint16(at) & 0x3fff;
      if (at >= limit) throw new RangeError("Cannot read DNS name as it points forward");
      limit = at;
      continue;
    }
    const label = String.fromCharCode(...readBytes(view, at + 1, length));
    if (length > 63 || !/^[!-\-/-~]+$/.test(label)) {
      throw new RangeError("Cannot read DNS name as it holds characters of no host name");
    }
    labels.push(label.toLowerCase());
    at += length + 1;
  }
  return { name: labels.join("."), end: end ?? at + 1 };
}
