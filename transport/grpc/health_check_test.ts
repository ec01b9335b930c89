import { background, codeOf } from "@kit/endpoint";
import assert from "node:assert/strict";
import { channel } from "./channel.ts";
import { healthCheck } from "./health_check.ts";
import { serve } from "./serve.ts";

Deno.test("healthCheck() rejects when there is nobody to ask", async () => {
  await using running = await serve([], { listen: "127.0.0.1:0", signals: [] });
  using there = channel(`127.0.0.1:${running.addr.port}`);
  await assert.rejects(healthCheck(there)("", background()), (error) => {
    return codeOf(error) === "unimplemented";
  });
});
