/** The requests of ZooKeeper that discovery needs, and its errors. */
import { type ErrorCode, KitError } from "@kit/endpoint";
import { type JuteReader, JuteWriter } from "./_jute.ts";

/** What is sent, and how its answer is read. */
export interface Request<T> {
  readonly op: number;
  /** What it does, for errors. */
  readonly what: string;
  write(writer: JuteWriter): void;
  read(reader: JuteReader): T;
}

/** The xids that are no numbers of requests. */
export const XID = { watch: -1, ping: -2, auth: -4 } as const;

/** What a watch tells of a node. */
export const EVENT = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

/** Who may do what with a node. */
export interface Acl {
  readonly scheme: string;
  readonly id: string;
  readonly permissions: number;
}

/** What the client says first, about the session that it had or wants. */
export interface ConnectRequest {
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
  /** Zero asks for a new session. */
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

/** The session that the server grants. */
export interface ConnectAnswer {
  /** Zero, or less, if the session that was asked for has expired. */
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

/** A server that can only read is of no use. */
const READ_ONLY = false;
const WATCH = true;

export function connectFrame(request: ConnectRequest): Uint8Array {
  return new JuteWriter()
    .int(0)
    .long(request.lastZxid)
    .int(request.timeoutMs)
    .long(request.sessionId)
    .buffer(request.password)
    .bool(READ_ONLY)
    .frame();
}

export function readConnectAnswer(reader: JuteReader): ConnectAnswer {
  const version = reader.int();
  if (version !== 0) throw new RangeError(`the protocol version is ${version}`);
  return { timeoutMs: reader.int(), sessionId: reader.long(), password: reader.buffer().slice() };
}

const nothing = () => {};

export const ping: Request<void> = { op: 11, what: "ping", write: nothing, read: nothing };

export const closeSession: Request<void> = {
  op: -11,
  what: "close the session",
  write: nothing,
  read: nothing,
};

export function authenticate(scheme: string, credentials: string): Request<void> {
  return {
    op: 100,
    what: `authenticate by "${scheme}"`,
    write: (writer) => writer.int(0).string(scheme).string(credentials),
    read: nothing,
  };
}

/** Lists the names of the children and watches for the next change of the list. */
export function getChildren(path: string): Request<string[]> {
  return {
    op: 8,
    what: `list "${path}"`,
    write: (writer) => writer.string(path).bool(WATCH),
    read: (reader) => reader.vector(4, () => reader.string()),
  };
}

/** Reads a node and watches for its next change. */
export function getData(path: string): Request<Uint8Array> {
  return {
    op: 4,
    what: `read "${path}"`,
    write: (writer) => writer.string(path).bool(WATCH),
    read: (reader) => reader.buffer(),
  };
}

/** Tells whose session a node ends with, and watches for the next change, which may be its birth. */
export function getOwner(path: string): Request<bigint> {
  return {
    op: 3,
    what: `look for "${path}"`,
    write: (writer) => writer.string(path).bool(WATCH),
    read: (reader) => {
      reader.skip(4 * 8 + 3 * 4); // Transactions, times and versions.
      return reader.long();
    },
  };
}

/** What kind of node is created. */
export const MODE = { persistent: 0, ephemeral: 1, ephemeralSequential: 3 } as const;

/** Creates a node and tells its path, which in a sequence ends in a number. */
export function create(
  path: string,
  data: Uint8Array,
  acl: readonly Acl[],
  mode: number,
): Request<string> {
  return {
    op: 1,
    what: `create "${path}"`,
    write: (writer) => {
      writer.string(path).buffer(data);
      writer.vector(acl, (one) => writer.int(one.permissions).string(one.scheme).string(one.id));
      writer.int(mode);
    },
    read: (reader) => reader.string(),
  };
}

/** Deletes a node, whatever its version. */
export function remove(path: string): Request<void> {
  return {
    op: 2,
    what: `delete "${path}"`,
    write: (writer) => writer.string(path).int(-1),
    read: nothing,
  };
}

const ERRORS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  [-4]: ["unavailable", "the server lost its connection"],
  [-5]: ["invalid_argument", "the server cannot read it"],
  [-6]: ["unimplemented", "the server does not know how to"],
  [-7]: ["deadline_exceeded", "the server took too long"],
  [-8]: ["invalid_argument", "the server calls it malformed"],
  [-101]: ["not_found", "the node does not exist"],
  [-102]: ["permission_denied", "the credentials do not permit it"],
  [-108]: ["failed_precondition", "an ephemeral node has no children"],
  [-110]: ["already_exists", "the node exists"],
  [-111]: ["failed_precondition", "the node has children"],
  [-112]: ["unavailable", "the session has expired"],
  [-114]: ["invalid_argument", "the ACL is not valid"],
  [-115]: ["unauthenticated", "the server refuses the credentials"],
  [-118]: ["unavailable", "the session has moved"],
  [-125]: ["resource_exhausted", "a quota is used up"],
};

/** Makes the error for a code that a server answered. */
export function refusal(what: string, code: number): KitError {
  const [kind, why] = ERRORS[code] ?? ["unknown", "the server says no"];
  return new KitError(kind, `Cannot ${what} as ${why}: ZooKeeper's error is ${code}`);
}
