/**
 * Plays the last scene of the stringsvc tutorial by itself: three services and a proxy in front of
 * them, on free ports. It shows the calls, what is logged, what is measured, and that no call fails
 * when one of the three is killed.
 *
 * ```sh
 * deno task demo
 * ```
 * @module
 */
// deno-lint-ignore-file no-console
import { delay } from "@kit/endpoint";
import { freePorts, type Program, start } from "./_shared/program.ts";

const HOST = "127.0.0.1";
const CALLS = 300;
const CLIENTS = 4;
/** Keeps the clients below what three services take together: 100 calls a second each. */
const PAUSE_MS = 30;
const KILL_AT = 100;

/** Shows a call as one would type it, makes it, and shows the answer. */
async function curl(url: string, body?: string): Promise<string> {
  const data = body === undefined ? "" : ` -d'${body}'`;
  const response = await fetch(url, body === undefined ? {} : { method: "POST", body });
  const text = await response.text();
  console.log(`$ curl${data} ${url}`);
  if (body !== undefined) console.log(text.trimEnd());
  return text;
}

function title(text: string): void {
  console.log(`\n== ${text}`);
}

/** Calls from several clients, kills a service on the way, and tells how many calls failed. */
async function callWhileOneIsKilled(url: string, victim: Program): Promise<number> {
  let begun = 0;
  let failed = 0;
  const client = async () => {
    while (begun < CALLS) {
      const n = ++begun;
      if (n === KILL_AT) victim.kill("SIGKILL");
      const response = await fetch(url, { method: "POST", body: `{"s":"call ${n}"}` });
      if (await response.text() !== `{"v":"CALL ${n}","err":null}\n`) failed++;
      await delay(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return failed;
}

const programs: Program[] = [];
let isQuiet = false;

async function stringsvc3(port: number, ...flags: string[]): Promise<Program> {
  const program = start("stringsvc3", [`--listen=${HOST}:${port}`, ...flags], (line) => {
    if (!isQuiet) console.log(line);
  });
  programs.push(program);
  await program.listening;
  return program;
}

async function play(): Promise<boolean> {
  const [front = 0, ...ports] = freePorts(4);
  const url = `http://localhost:${front}`;
  const instances = ports.map((port) => `localhost:${port}`);

  title("Three string services, and one in front that hands uppercase on to them");
  const backends = await Promise.all(ports.map((port) => stringsvc3(port)));
  const proxy = await stringsvc3(front, `--proxy=${instances.join(",")}`);

  title("Each call goes to the next of the three: mind listen= in the logs");
  for (const s of ["foo", "bar", "baz"]) await curl(`${url}/uppercase`, `{"s":"${s}"}`);
  await curl(`${url}/uppercase`, `{"s":"hello, world"}`);
  await curl(`${url}/count`, `{"s":"hello, world"}`);
  await curl(`${url}/uppercase`, `{"s":""}`);
  await Promise.all([proxy, ...backends].map((program) => program.quiet()));

  title(`${CALLS} calls by ${CLIENTS} clients; one of the three is killed on the way`);
  isQuiet = true;
  const victim = backends[1]!;
  const failed = await callWhileOneIsKilled(`${url}/uppercase`, victim);
  await Promise.all([proxy, ...backends].map((program) => program.quiet()));
  ports.forEach((port, i) => {
    const answered = backends[i]!.lines.filter((line) => / input="call \d+" /.test(line)).length;
    const note = backends[i] === victim ? `, killed at call ${KILL_AT}` : "";
    console.log(`${HOST}:${port} answered ${answered}${note}`);
  });

  title("What the proxy measured");
  const metrics = await curl(`${url}/metrics`);
  console.log((metrics.match(/^my_group_.*[1-9]\d*$/gm) ?? []).join("\n"));

  title("SIGTERM to those that are left");
  isQuiet = false;
  const left = programs.filter((program) => program !== victim);
  for (const program of left) program.kill("SIGTERM");
  const codes = await Promise.all(left.map(({ status }) => status.then(({ code }) => code)));
  console.log(`exit codes ${codes.join(", ")}`);

  console.log(`\ndemo: ${CALLS} calls, 1 of 3 services killed, ${failed} calls failed`);
  return failed === 0 && codes.every((code) => code === 0);
}

/** Whatever ends this process, nothing that it started runs on. */
function killAll(): void {
  for (const program of programs) program.kill("SIGKILL");
}
globalThis.addEventListener("unload", killAll);

const signalled = new Promise<number>((resolve) => {
  Deno.addSignalListener("SIGINT", () => resolve(130));
  Deno.addSignalListener("SIGTERM", () => resolve(143));
});

function fail(error: unknown): number {
  console.error(`demo: ${(error as Error).message}`);
  return 1;
}

const code = await Promise.race([play().then((isGood) => isGood ? 0 : 1, fail), signalled]);
killAll();
await Promise.all(programs.map(({ status }) => status));
Deno.exit(code);
