// Not a test of the project: `sanitizer_canary_test.ts` runs it and expects each test to fail.
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

Deno.test("a timer leaks", () => {
  setTimeout(() => {}, 60_000);
});

Deno.test("an operation leaks", () => {
  listener.accept().catch(() => {});
});

Deno.test("a listener leaks", () => {
  Deno.listen({ hostname: "127.0.0.1", port: 0 });
});
