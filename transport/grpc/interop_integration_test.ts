/**
 * gRPC's interoperability cases (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md)
 * with grpc-go in both directions: its client against Kit's server, Kit's client against its server.
 *
 * Left out are those that need the credentials of a cloud (compute_engine_creds, jwt_token_creds,
 * oauth2_auth_token, per_rpc_creds, google_default_credentials, compute_engine_channel_credentials).
 */
import assert from "node:assert/strict";
import { channel } from "./channel.ts";
import { serve, type ServeOptions } from "./serve.ts";
import { CLIENT_CASES, emptyUnary, type Seen } from "./testdata/client_cases.ts";
import { GRPC_GO, linesOf, run, ServingPeer } from "./testdata/peers.ts";
import { testBindings } from "./testdata/test_service.ts";

const ignore = GRPC_GO === undefined;
const without = ignore ? " (ignored, as there is no KIT_GRPC_GO)" : "";

// --- Kit's server ---

/** Runs a case of grpc-go's client; gives the calls that it has made. */
async function callsOf(name: string, options: ServeOptions = {}): Promise<Seen[]> {
  const listening = { listen: "127.0.0.1:0", signals: [] };
  await using running = await serve(testBindings(), { ...listening, ...options });
  const target = `127.0.0.1:${running.addr.port}`;
  const ran = await run(GRPC_GO!, ["client", "-target", target, "-case", name]);
  assert(ran.success, ran.stderr);
  return linesOf<Seen>(ran.stdout);
}

/** The cases of `grpc-go client`, and how it saw their last call. */
const SERVER_CASES: Readonly<Record<string, Partial<Seen>>> = {
  empty_unary: { code: "OK" },
  cacheable_unary: { code: "OK" },
  large_unary: { code: "OK" },
  client_compressed_unary: { code: "OK" },
  client_streaming: { code: "OK" },
  client_compressed_streaming: { code: "OK", out: [true, true] },
  server_streaming: { code: "OK" },
  ping_pong: { code: "OK" },
  empty_stream: { code: "OK", in: [], out: [] },
  custom_metadata: { code: "OK" },
  status_code_and_message: { code: "Unknown" },
  special_status_message: { code: "Unknown" },
  unimplemented_method: { code: "Unimplemented" },
  unimplemented_service: { code: "Unimplemented" },
  cancel_after_begin: { code: "Canceled" },
  cancel_after_first_response: { code: "Canceled" },
  timeout_on_sleeping_server: { code: "DeadlineExceeded" },
  pick_first_unary: { code: "OK" },
};

/** Those that want compressed messages, and whether each message of each call came so. */
const COMPRESSED_CASES: Readonly<Record<string, readonly (readonly boolean[])[]>> = {
  server_compressed_unary: [[true], [false]],
  server_compressed_streaming: [[true, false]],
};

for (const [name, expected] of Object.entries(COMPRESSED_CASES)) {
  Deno.test({
    name: `serve() passes ${name} of grpc-go's client${without}`,
    ignore,
    async fn() {
      const calls = await callsOf(name, { compression: "gzip" });
      assert.deepEqual(calls.map((call) => call.in), expected);
    },
  });
}

for (const [name, expected] of Object.entries(SERVER_CASES)) {
  Deno.test({
    name: `serve() passes ${name} of grpc-go's client${without}`,
    ignore,
    async fn() {
      const calls = await callsOf(name);
      const { code, ...rest } = calls.at(-1)!;
      assert.deepEqual({ ...rest, code }, { ...rest, code, ...expected });
    },
  });
}

// --- Kit's client ---

for (const [name, test] of Object.entries(CLIENT_CASES)) {
  Deno.test({
    name: `client() passes ${name} on grpc-go's server${without}`,
    ignore,
    async fn() {
      await using peer = await ServingPeer.start(GRPC_GO!, ["server"]);
      using there = channel(`127.0.0.1:${peer.port}`);
      using zipped = channel(`127.0.0.1:${peer.port}`, { compression: "gzip" });
      // A deadline shall pass in the call and not while connecting.
      await emptyUnary(there);
      await peer.receive<Seen>();
      await test(there, zipped, peer);
    },
  });
}
