/**
 * Messages: calls, results, declared exceptions, and errors as TApplicationException.
 * @module
 */
import { type ErrorDetail, KitError, toKitError } from "@kit/endpoint";
import { parseWireError, wireError } from "../_wire_error.ts";
import { encodeMessage, readerOf } from "./_codec.ts";
import { Fault } from "./_fault.ts";
import type { Limits } from "./_limits.ts";
import { skip } from "./_skip.ts";
import type { ThriftException } from "./exception.ts";
import { codeOfExceptionType, exceptionTypeOf } from "./exception_type.ts";
import { type Field, field } from "./field.ts";
import type { MessageHead, Protocol, Reader, Writer } from "./protocol.ts";
import type { Method } from "./service.ts";
import { struct } from "./struct.ts";
import { double, i32, string } from "./types.ts";

export const CALL = 1;
export const REPLY = 2;
export const EXCEPTION = 3;
export const ONEWAY = 4;

/** Fields 1 and 2 are Apache's. The others carry what a `KitError` has besides; peers skip them. */
const ApplicationException = struct("TApplicationException", {
  message: field(1, string, { optional: true }),
  type: field(2, i32, { default: 0 }),
  code: field(20_001, string, { optional: true }),
  details: field(20_002, string, { optional: true }),
  retryAfterMs: field(20_003, double, { optional: true }),
});

/** Writes a call. */
export function encodeCall<Req, Res>(
  protocol: Protocol,
  method: Method<Req, Res>,
  seqid: number,
  request: Req,
): Uint8Array {
  try {
    const type = method.isOneway ? ONEWAY : CALL;
    return encodeMessage(protocol, { name: method.name, type, seqid }, method.args, request);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    const { reason } = cause;
    throw new KitError(
      "invalid_argument",
      `Cannot encode arguments of "${method.name}" as ${reason}`,
    );
  }
}

/** Writes a result. */
export function encodeResult<Req, Res>(
  protocol: Protocol,
  head: MessageHead,
  method: Method<Req, Res>,
  response: Res,
): Uint8Array {
  const { result } = method;
  try {
    return encodeMessage(protocol, { ...head, type: REPLY }, {
      write: (output, value) => {
        output.structBegin();
        if (result !== undefined) writeField(output, 0, result, value);
        output.structEnd();
      },
    }, response);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    // What is wrong is the business of who has written the handler, not of the caller.
    cause.message = cause.reason;
    throw new KitError("internal", "Cannot encode response", { cause });
  }
}

/** Writes an error: as the declared exception that it is, or else as TApplicationException. */
export function encodeError(
  protocol: Protocol,
  head: MessageHead,
  throws: readonly Field<ThriftException<unknown>>[],
  error: unknown,
): Uint8Array {
  const declared = throws.find(({ type }) =>
    typeof type === "function" && error instanceof (type as new (value: unknown) => unknown)
  );
  if (declared === undefined) return encodeException(protocol, head, toKitError(error));
  return encodeMessage(protocol, { ...head, type: REPLY }, {
    write: (output, value) => {
      output.structBegin();
      writeField(output, declared.id, declared.type, value);
      output.structEnd();
    },
  }, error as ThriftException<unknown>);
}

/** Writes an error as TApplicationException. */
export function encodeException(
  protocol: Protocol,
  head: MessageHead,
  error: KitError,
): Uint8Array {
  const { code, message, details, retryAfterMs } = wireError(error);
  return encodeMessage(protocol, { ...head, type: EXCEPTION }, ApplicationException, {
    message: message.toWellFormed(),
    type: exceptionTypeOf(code),
    code,
    details: details === undefined ? undefined : JSON.stringify(details),
    retryAfterMs,
  });
}

/** Reads the reply to a call. */
export function decodeReply<Req, Res>(
  protocol: Protocol,
  bytes: Uint8Array,
  method: Method<Req, Res>,
  seqid: number,
  limits: Limits,
): Res {
  const input = readerOf(protocol, limits).attach(bytes);
  let response: Res | ThriftException<unknown> | KitError | undefined;
  try {
    const head = input.messageBegin();
    if (head.type === EXCEPTION) response = readException(input);
    else if (head.type !== REPLY) throw new Fault("it is neither a reply nor an exception");
    else if (head.name !== method.name) throw new Fault("it is of another method");
    else response = readResult(input, method);
    if (head.seqid !== seqid && head.type === REPLY) throw new Fault("it is of another call");
    input.messageEnd();
    if (!input.isAtEnd) throw new Fault("something comes after its end");
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    const text = `Cannot decode reply of "${method.name}" as ${cause.reason}`;
    throw new KitError(cause.codeOfReply, text);
  }
  if (response instanceof KitError) throw response;
  return response as Res;
}

function writeField<T>(output: Writer, id: number, type: Field<T>["type"], value: T): void {
  output.fieldBegin(type.wire, id);
  type.write(output, value);
  output.fieldEnd();
}

/** Reads the struct that Thrift makes of a method's result: field 0, or a declared exception. */
function readResult<Req, Res>(
  input: Reader,
  { result, throws }: Method<Req, Res>,
): Res | ThriftException<unknown> | undefined {
  let response: Res | ThriftException<unknown> | undefined;
  let isThere = result === undefined;
  input.structBegin();
  for (let kind = input.fieldBegin(); kind !== 0; kind = input.fieldBegin()) {
    const id = input.fieldId;
    const type = id === 0 ? result : throws.find((one) => one.id === id)?.type;
    if (type === undefined || type.wire !== kind) skip(input, kind);
    else {
      response = type.read(input);
      isThere = true;
    }
    input.fieldEnd();
  }
  input.structEnd();
  if (!isThere) throw new Fault("it has no result");
  return response;
}

function readException(input: Reader): KitError {
  const { message, type, code, details, retryAfterMs } = ApplicationException.read(input);
  return parseWireError(
    { code, message, details: parseDetails(details), retryAfterMs },
    { code: codeOfExceptionType(type), message: `Call failed with exception of type ${type}` },
  );
}

function parseDetails(text: string | undefined): readonly ErrorDetail[] | undefined {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
