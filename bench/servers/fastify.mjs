// Fastify on Node, with a schema for the request and for the response: `fastify.mjs FOLDER`, where the
// folder is the one that Fastify is installed in.
// deno-lint-ignore-file no-console
import { createRequire } from "node:module";
import process from "node:process";

const Fastify = createRequire(`${process.argv[2]}/`)("fastify");

const text = { type: "string" };
const app = Fastify({ logger: false });
app.post("/uppercase", {
  schema: {
    body: { type: "object", required: ["s"], properties: { s: text } },
    response: { 200: { type: "object", properties: { v: text } } },
  },
}, (request, reply) => {
  reply.send({ v: request.body.s.toUpperCase() });
});

await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ port: app.server.address().port }));
process.stdin.resume().on("end", () => process.exit());
