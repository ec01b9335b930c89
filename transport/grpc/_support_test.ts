/**
 * What the tests of this folder share.
 * @module
 */
import type { Endpoint } from "@kit/endpoint";
export { eventually } from "../../sd/testdata/server_process.ts";
import { type Channel, channel, type ChannelOptions } from "./channel.ts";
import { client, type ClientOptions } from "./client.ts";
import { type Codec, type Method, unary } from "./method.ts";
import { bidiStream, clientStream, serverStream } from "./method.ts";
import { type GrpcServer, serve, type ServeOptions } from "./serve.ts";
import { type Binding, server, type ServerOptions } from "./server.ts";

/** JSON in UTF-8. */
export function json<T>(): Codec<T> {
  return {
    serialize: (value) => new TextEncoder().encode(JSON.stringify(value)),
    deserialize: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
  };
}

const numbers = { request: json<number>(), response: json<number>() };

/** One method of each kind. */
export const methods = {
  unary: unary("/test.Numbers/Unary", numbers),
  serverStream: serverStream("/test.Numbers/ServerStream", numbers),
  clientStream: clientStream("/test.Numbers/ClientStream", numbers),
  bidi: bidiStream("/test.Numbers/Bidi", numbers),
};

/** A server and a channel to it. */
export class Pair implements AsyncDisposable {
  private constructor(readonly server: GrpcServer, readonly channel: Channel) {}

  static async open(
    bindings: readonly Binding[],
    options: ServeOptions = {},
    channelOptions: ChannelOptions = {},
  ): Promise<Pair> {
    const running = await serve(bindings, { listen: "127.0.0.1:0", signals: [], ...options });
    return new Pair(running, channel(`127.0.0.1:${running.addr.port}`, channelOptions));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel[Symbol.dispose]();
    await this.server.shutdown();
  }
}

/** A pair for one method, with its endpoint on the client's side. */
export async function serving<Req, Res>(
  method: Method<Req, Res>,
  endpoint: Endpoint<Req, Res>,
  options: {
    server?: ServerOptions<Req>;
    client?: ClientOptions<Res>;
    serve?: ServeOptions;
    channel?: ChannelOptions;
  } = {},
): Promise<{ call: Endpoint<Req, Res>; pair: Pair } & AsyncDisposable> {
  const pair = await Pair.open(
    [server(method, endpoint, options.server)],
    options.serve,
    options.channel,
  );
  return {
    pair,
    call: client(pair.channel, method, options.client),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

/** All items of a stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** A stream of items. */
export async function* streamOf<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
