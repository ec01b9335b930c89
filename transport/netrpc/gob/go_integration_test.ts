// What Go encodes is decoded and encoded here, and then decoded and compared by Go.
import assert from "node:assert/strict";
import { Everything, PEER, test } from "../_peer_test.ts";
import * as gob from "./mod.ts";

for (const seed of [1, 2, 3]) {
  for (const size of [65_536, 100]) {
    test(`Decoder and Encoder give back what Go sent, seed ${seed}, pieces of ${size}`, async () => {
      const count = 200;
      const child = new Deno.Command(PEER!, {
        args: ["gob", String(seed), String(count)],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const verdict = new Response(child.stderr).text();
      const decoder = new gob.Decoder();
      const encoder = new gob.Encoder();
      const seen = new gob.Decoder();
      let decoded = 0;
      const writer = child.stdin.getWriter();
      for await (const chunk of child.stdout) {
        for (let start = 0; start < chunk.length; start += size) {
          const piece = chunk.slice(start, start + size);
          decoder.push(piece);
          for (let next = decoder.decode(Everything); next; next = decoder.decode(Everything)) {
            decoded++;
            await writer.write(encoder.encode(Everything, next.value)).catch(() => {});
          }
          seen.push(piece);
          while (seen.decode(gob.dynamic) !== undefined);
        }
      }
      await writer.close().catch(() => {});
      assert.equal((await verdict).slice(0, 3000), `same ${count}\n`);
      assert.equal(decoded, count);
      assert(!decoder.isPending && !seen.isPending);
      await child.status;
    });
  }
}
