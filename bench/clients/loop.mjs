// How a client under measurement is driven, in Deno as in Node: `VARIANT URL SECONDS CONCURRENCY...`.
// It prints the calls per second for each concurrency, as a JSON array.
// deno-lint-ignore-file no-console
import process from "node:process";

const WARM_UP_MS = 500;

export const [variant = "", url = ""] = process.argv.slice(2);
const [seconds = 1, ...concurrencies] = process.argv.slice(4).map(Number);

/**
 * Calls as often as it can.
 * @param {() => Promise<string>} call One call; gives the text that was answered.
 * @returns {Promise<void>}
 */
export async function drive(call) {
  await during(WARM_UP_MS, 16, call);
  const rates = [];
  for (const concurrency of concurrencies) {
    rates.push(await during(seconds * 1000, concurrency, call));
  }
  console.log(JSON.stringify(rates));
  process.exit();
}

/**
 * Tells how many calls a second there were.
 * @param {number} timeMs
 * @param {number} concurrency
 * @param {() => Promise<string>} call
 */
async function during(timeMs, concurrency, call) {
  const start = performance.now();
  const end = start + timeMs;
  let calls = 0;
  async function caller() {
    while (performance.now() < end) {
      const text = await call();
      if (text !== "HELLO, WORLD") throw new Error(`Cannot go on as the answer was "${text}"`);
      calls++;
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller));
  return calls / ((performance.now() - start) / 1000);
}
