/**
 * Flags that the service and its client share.
 * @module
 */
import { parseProtocol, type Protocol } from "@kit/transport/thrift";
import { type Flag, oneOf } from "../_shared/flags.ts";

/** How Thrift's messages are written. */
export const thriftProtocol: Flag<Protocol> = {
  help: "protocol of Thrift: binary, compact, json",
  byDefault: "binary",
  parse: parseProtocol,
};

/** How messages of net/rpc are written. */
export const netrpcCodec: Flag<"gob" | "json"> = oneOf("codec of net/rpc", ["gob", "json"]);
