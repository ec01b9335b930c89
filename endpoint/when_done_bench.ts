import { whenDone } from "./when_done.ts";

const answer = Promise.resolve({ v: 1 });

function nothing(): void {}

async function* items(): AsyncGenerator<number> {
  for (let i = 0; i < 1000; i++) yield i;
}

Deno.bench("await", { group: "value", baseline: true }, async () => {
  await answer;
});
Deno.bench("try, await, finally", { group: "value" }, async () => {
  await (async () => {
    try {
      return await answer;
    } finally {
      nothing();
    }
  })();
});
Deno.bench("whenDone()", { group: "value" }, async () => {
  await whenDone(answer, nothing);
});

Deno.bench("a stream of 1000", { group: "stream", baseline: true }, async () => {
  for await (const _ of items());
});
Deno.bench("whenDone() of a stream of 1000", { group: "stream" }, async () => {
  for await (const _ of await whenDone(Promise.resolve(items()), nothing));
});
