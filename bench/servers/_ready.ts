/**
 * How a server under measurement tells where it listens, and when it ends.
 * @module
 */
// deno-lint-ignore-file no-console

/** Tells the port, and waits for the end of the standard input: whoever measures has gone then. */
export async function ready(port: number): Promise<void> {
  console.log(JSON.stringify({ port }));
  for await (const _ of Deno.stdin.readable);
}

/** Tells something at the end, to stand below the table. */
export function note(text: string): void {
  console.log(JSON.stringify({ note: text }));
}
