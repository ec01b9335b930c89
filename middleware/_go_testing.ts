/**
 * Runs the Go programs that tests compare with.
 * @module
 */

/**
 * Gives whole numbers below a bound, the same on every run, so that a difference can be looked into.
 */
export function seeded(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
}

/** Tells whether there is a Go toolchain. */
export function hasGo(): boolean {
  try {
    return new Deno.Command("go", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs `go` in a folder of `testdata` and gives what it prints. */
export async function runGo(
  folder: string,
  args: string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const child = new Deno.Command("go", {
    args,
    cwd: new URL(`testdata/${folder}/`, import.meta.url),
    env: { GOTOOLCHAIN: "local", ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(options.input ?? ""))
    .then(() => writer.close());
  const { success, stdout, stderr } = await child.output();
  if (!success) {
    throw new Error(new TextDecoder().decode(stderr) || new TextDecoder().decode(stdout));
  }
  await written;
  return new TextDecoder().decode(stdout);
}
