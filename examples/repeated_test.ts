import assert from "node:assert/strict";

// Each example can be read without the others, so they repeat what they share; it must not drift.
for (
  const [file, ...folders] of [
    ["service.ts", "stringsvc1", "stringsvc2", "stringsvc3"],
    ["endpoints.ts", "stringsvc1", "stringsvc2", "stringsvc3"],
    ["transport.ts", "stringsvc1", "stringsvc2"],
    ["logging.ts", "stringsvc2", "stringsvc3"],
    ["instrumenting.ts", "stringsvc2", "stringsvc3"],
  ] as const
) {
  Deno.test(`${file} is the same in ${folders.join(", ")}`, async () => {
    const texts = folders.map((folder) =>
      Deno.readTextFile(new URL(`${folder}/${file}`, import.meta.url))
    );
    assert.equal(new Set(await Promise.all(texts)).size, 1);
  });
}
