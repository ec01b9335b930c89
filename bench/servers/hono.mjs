// Hono on `Deno.serve`: `hono.mjs VERSION plain|limit`. The version comes from outside and the import is
// made when it runs, so that neither the lock file nor the type check of the project knows of it.
// deno-lint-ignore-file no-console
const [version, variant] = Deno.args;
const { Hono } = await import(`npm:hono@${version}`);
const { bodyLimit } = await import(`npm:hono@${version}/body-limit`);

const app = new Hono();
if (variant === "limit") app.use(bodyLimit({ maxSize: 4_194_304 }));
app.post("/uppercase", async (c) => {
  const { s } = await c.req.json();
  return c.json({ v: s.toUpperCase() });
});

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
console.log(JSON.stringify({ port: server.addr.port }));
for await (const _ of Deno.stdin.readable);
Deno.exit();
