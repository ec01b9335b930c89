/**
 * Health checking and reflection with grpcurl, and health checking of grpc-go's server.
 */
import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { channel } from "./channel.ts";
import { health } from "./health.ts";
import { healthCheck } from "./health_check.ts";
import { reflection } from "./reflection.ts";
import { type GrpcServer, serve } from "./serve.ts";
import { GRPC_GO, GRPCURL, type Ran, run, ServingPeer } from "./testdata/peers.ts";
import { testBindings } from "./testdata/test_service.ts";

const SERVICE = "grpc.testing.TestService";

function test(name: string, fn: () => Promise<void>): void {
  const ignore = GRPC_GO === undefined || GRPCURL === undefined;
  const without = ignore ? " (ignored, as there is no KIT_GRPC_GO or KIT_GRPCURL)" : "";
  Deno.test({ name: name + without, ignore, fn });
}

function serveAll(): Promise<GrpcServer> {
  const healthy = health();
  healthy.set(SERVICE, "not_serving");
  return serve(testBindings(), {
    listen: "127.0.0.1:0",
    signals: [],
    services: [healthy.service, reflection()],
  });
}

function grpcurl(server: GrpcServer, ...args: string[]): Promise<Ran> {
  const target = `127.0.0.1:${server.addr.port}`;
  const isVerb = args[0] === "list" || args[0] === "describe";
  const data = isVerb ? [] : ["-d", args.shift()!];
  return run(GRPCURL!, ["-plaintext", ...data, target, ...args]);
}

test("reflection() tells grpcurl of the services, their methods and messages", async () => {
  await using running = await serveAll();
  const services = await grpcurl(running, "list");
  assert.equal(
    services.stdout,
    [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "grpc.testing.TestService",
      "",
    ].join("\n"),
  );
  const methods = await grpcurl(running, "list", SERVICE);
  assert.match(methods.stdout, /^grpc\.testing\.TestService\.StreamingOutputCall$/m);
  const message = await grpcurl(running, "describe", "grpc.health.v1.HealthListResponse");
  assert.match(
    message.stdout,
    /map<string, \.grpc\.health\.v1\.HealthCheckResponse> statuses = 1;/,
  );
  const oneof = await grpcurl(running, "describe", "grpc.reflection.v1.ServerReflectionRequest");
  assert.match(oneof.stdout, /oneof message_request \{\n\s+string file_by_filename = 3;/);
  const method = await grpcurl(running, "describe", `${SERVICE}.FullDuplexCall`);
  assert.match(
    method.stdout,
    /rpc FullDuplexCall \( stream \.grpc\.testing\.StreamingOutputCallRequest \) returns \( stream/,
  );
  const unknown = await grpcurl(running, "describe", "no.such.Thing");
  assert(!unknown.success);
  assert.match(unknown.stderr, /not found/i);
});

test("reflection() is enough for grpcurl to call", async () => {
  await using running = await serveAll();
  const { stdout, stderr } = await grpcurl(
    running,
    `{"responseParameters":[{"size":1},{"size":2}]}`,
    `${SERVICE}/StreamingOutputCall`,
  );
  assert.equal(stdout.match(/"body"/g)?.length, 2, stderr);
  const failed = await grpcurl(
    running,
    `{"responseStatus":{"code":5,"message":"gone"}}`,
    `${SERVICE}/UnaryCall`,
  );
  assert.match(failed.stderr, /Code: NotFound\n\s+Message: gone/);
});

test("health() tells grpcurl the statuses", async () => {
  await using running = await serveAll();
  const check = async (name: string) => {
    const request = JSON.stringify({ service: name });
    const { success, stdout, stderr } = await grpcurl(
      running,
      request,
      "grpc.health.v1.Health/Check",
    );
    return success ? JSON.parse(stdout) : /Code: (\w+)/.exec(stderr)?.[1];
  };
  assert.deepEqual(await check(""), { status: "SERVING" });
  assert.deepEqual(await check(SERVICE), { status: "NOT_SERVING" });
  assert.equal(await check("no.such.Service"), "NotFound");
  const { stdout } = await grpcurl(running, "{}", "grpc.health.v1.Health/List");
  assert.deepEqual(JSON.parse(stdout), {
    statuses: { "": { status: "SERVING" }, [SERVICE]: { status: "NOT_SERVING" } },
  });
});

test("healthCheck() asks grpc-go's server", async () => {
  await using peer = await ServingPeer.start(GRPC_GO!, ["server"]);
  using there = channel(`127.0.0.1:${peer.port}`);
  const check = healthCheck(there);
  assert.equal(await check("", background()), "serving");
  assert.equal(await check(SERVICE, background()), "serving");
  assert.equal(await check("no.such.Service", background()), "service_unknown");
});
