/**
 * What the public objects of this folder keep to themselves.
 * @module
 */
import type { ChannelInterface, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Serving } from "./_incoming_call.ts";
import type { Channel } from "./channel.ts";
import type { Binding } from "./server.ts";

/** Answers a call, as grpc-js gives it to an interceptor. */
export type Accept = (call: ServerInterceptingCallInterface, serving: Serving) => void;

const channels = new WeakMap<Channel, ChannelInterface>();
const accepts = new WeakMap<Binding, Accept>();

/** Keeps the channel of grpc-js. */
export function keepInner(channel: Channel, inner: ChannelInterface): Channel {
  channels.set(channel, inner);
  return channel;
}

/** The channel of grpc-js. */
export function innerOf(channel: Channel): ChannelInterface {
  const inner = channels.get(channel);
  if (inner === undefined) throw new TypeError("Cannot call as channel() has not made the channel");
  return inner;
}

/** Keeps what answers the calls of a binding. */
export function keepAccept(binding: Binding, accept: Accept): Binding {
  accepts.set(binding, accept);
  return binding;
}

/** What answers the calls of a binding. */
export function acceptOf(binding: Binding): Accept {
  const accept = accepts.get(binding);
  if (accept === undefined) {
    throw new TypeError("Cannot serve as server() has not made the binding");
  }
  return accept;
}
