import assert from "node:assert/strict";
import fc from "fast-check";
import { type Place, Queue } from "./_queue.ts";

Deno.test("Queue gives what was pushed in order, less what has left", () => {
  const op = fc.record({
    kind: fc.constantFrom("push", "push", "shift", "remove"),
    which: fc.nat(),
  });
  fc.assert(fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
    const queue = new Queue<number>();
    let model: Place<number>[] = [];
    let pushed = 0;
    for (const { kind, which } of ops) {
      if (kind === "push") model.push(queue.push(pushed++));
      else if (kind === "shift") assert.equal(queue.shift(), model.shift()?.value);
      else if (model.length > 0) {
        const place = model[which % model.length]!;
        queue.remove(place);
        model = model.filter((other) => other !== place);
      }
      assert.equal(queue.size, model.length);
    }
    while (queue.size > 0) assert.equal(queue.shift(), model.shift()!.value);
    assert.equal(model.length, 0);
  }));
});
