/**
 * A service in a process of its own: tells when it listens, and stops when it is told to.
 * @module
 */
import { methods } from "../_support_test.ts";
import { serve } from "../serve.ts";
import { server } from "../server.ts";

const answer = async (n: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, n % 3));
  return n;
};
const running = await serve([server(methods.unary, answer)], {
  listen: `127.0.0.1:${Deno.args[0]}`,
});
await Deno.stdout.write(new TextEncoder().encode("listening\n"));
if (!await running.finished) Deno.exit(1);
