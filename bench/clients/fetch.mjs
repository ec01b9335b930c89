// `fetch` of Deno or of Node, which Kit's client is compared to. Variants: `plain`, `timeout`.
import { drive, url, variant } from "./loop.mjs";

await drive(async () => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ s: "hello, world" }),
    ...(variant === "timeout" ? { signal: AbortSignal.timeout(5000) } : {}),
  });
  if (!response.ok) throw new Error(`Cannot go on as the status was ${response.status}`);
  const { v } = await response.json();
  return v;
});
