import {
  background,
  contextKey,
  type Endpoint,
  metadata,
  withOutgoing,
  withValue,
} from "@kit/endpoint";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { methods, serving } from "./_support_test.ts";
import { grpcMethod, peerCertificate, remoteAddress } from "./keys.ts";

const echo: Endpoint<number, number> = (n) => Promise.resolve(n);

// GS3, GS7, GS8, GC3, A12
Deno.test("server() and client() carry metadata there and back", async () => {
  const bytes = Buffer.from([0, 255, 1]).toString("base64");
  const seen: unknown[] = [];
  await using there = await serving(methods.unary, echo, {
    server: {
      before: [(ctx, metadata) => {
        seen.push(metadata.get("Correlation-Id"), metadata.get("own-bin"), metadata.get("out"));
        return withValue(ctx, id, metadata.get("correlation-id")!);
      }],
      after: [(ctx, reply) => {
        reply.header.set("in-header", "h");
        reply.header.append("h-bin", bytes);
        reply.trailer.append("Correlation-Id", ctx.value(id)!);
        return ctx;
      }],
    },
    client: {
      before: [(ctx, metadata) => {
        metadata.set("Correlation-ID", "7");
        metadata.append("own-bin", bytes);
        return ctx;
      }],
      after: [(ctx, { header, trailer }) => {
        seen.push(header.get("in-header"), header.get("h-bin"), trailer.get("correlation-id"));
        return ctx;
      }],
    },
  });
  const ctx = withOutgoing(background(), metadata({ out: "o", host: "evil", te: "x" }));
  assert.equal(await there.call(1, ctx), 1);
  assert.deepEqual(seen, ["7", bytes, "o", "h", bytes, "7"]);
});

const id = contextKey<string>("id");

Deno.test("server() sends no metadata that gRPC cannot carry", async () => {
  const names = ["a b", "", ":path", "grpc-status", "content-type", "connection", "ä"];
  for (const name of names) {
    await using there = await serving(methods.unary, echo, {
      server: {
        after: [(ctx, { header }) => {
          assert.throws(() => header.set(name, "x"), TypeError);
          assert.throws(() => header.append("ok", "ü\n"), TypeError);
          return ctx;
        }],
      },
    });
    assert.equal(await there.call(1, background()), 1);
  }
});

// GS6, A5
Deno.test("server() tells the endpoint its method, its caller and its metadata", async () => {
  const seen: unknown[] = [];
  await using there = await serving(methods.unary, (n, ctx) => {
    seen.push(ctx.value(grpcMethod), ctx.value(remoteAddress), ctx.value(peerCertificate));
    seen.push(ctx.metadata.get("X"), ctx.metadata.getAll("x"), ctx.metadata.get("y"));
    seen.push(ctx.deadline, ctx.signal.aborted, [...ctx.outgoing]);
    return Promise.resolve(n);
  });
  await there.call(1, withOutgoing(background(), metadata({ x: "1" })));
  assert.match(String(seen.splice(1, 1)), /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(seen, [
    "/test.Numbers/Unary",
    undefined,
    "1",
    ["1"],
    undefined,
    undefined,
    false,
    [],
  ]);
});
