// How a client under measurement is driven, in Deno as in Node: `VARIANT URL`. Each line of its standard
// input is a turn, `{"concurrency":16,"ms":100}`; for each it prints one, `{"calls":1200,"ms":101}`.
// deno-lint-ignore-file no-console
import process from "node:process";
import { createInterface } from "node:readline";

export const [variant = "", url = ""] = process.argv.slice(2);

/**
 * Calls as often as it can, turn by turn, until the input ends.
 * @param {() => Promise<string>} call One call; gives the text that was answered.
 * @returns {Promise<void>}
 */
export async function drive(call) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { concurrency, ms } = JSON.parse(line);
    console.log(JSON.stringify(await turn(concurrency, ms, call)));
  }
  process.exit();
}

/**
 * @param {number} concurrency
 * @param {number} ms
 * @param {() => Promise<string>} call
 */
async function turn(concurrency, ms, call) {
  const start = performance.now();
  let calls = 0;
  async function caller() {
    while (performance.now() - start < ms) {
      const text = await call();
      if (text !== "HELLO, WORLD") throw new Error(`Cannot go on as the answer was "${text}"`);
      calls++;
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller));
  return { calls, ms: performance.now() - start };
}
