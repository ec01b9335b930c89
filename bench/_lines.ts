/**
 * The lines of the table.
 * @module
 */
import type { Command } from "./_processes.ts";
import { denoCommand, GOKIT, NODE, pathOf, type Tool, VERSIONS } from "./_tools.ts";

/** A server or a client that is measured. */
export interface Line {
  readonly name: string;
  readonly title: string;
  readonly needs?: Tool;
  /** What to start; clients get the URL to call. */
  readonly command: (args: readonly string[]) => Command;
}

const NET = "--allow-net=127.0.0.1";
const KIT = [NET, "--allow-write=/dev/null", "--allow-env", "--allow-sys"];

function bare(variant: string): Line["command"] {
  return () => denoCommand("servers/bare.ts", [variant], NET);
}

function kit(variant: string): Line["command"] {
  return () => denoCommand("servers/kit.ts", [variant], ...KIT);
}

function hono(variant: string): Line["command"] {
  return () => denoCommand("servers/hono.mjs", [VERSIONS.hono, variant], NET, "--no-lock");
}

function gokit(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  return { program: GOKIT, args, env };
}

const ONE = { GOMAXPROCS: "1" };

/** The servers. The first is what the others are compared to. */
export const SERVERS: readonly Line[] = [
  { name: "bare", title: "Deno.serve, checks nothing", command: bare("plain") },
  { name: "checks", title: "Deno.serve, checks as Kit does", command: bare("checks") },
  { name: "kit", title: "Kit", command: kit("plain") },
  { name: "kit-serve", title: "Kit, http.serve and http.routes", command: kit("serve") },
  { name: "kit-strict", title: "Kit, strict", command: kit("strict") },
  { name: "kit-stack", title: "Kit, full stack", command: kit("stack") },
  {
    name: "kit-stack-timeout",
    title: "Kit, full stack and timeout",
    command: kit("stack-timeout"),
  },
  { name: "hono", title: "Hono on Deno.serve", needs: "hono", command: hono("plain") },
  { name: "hono-limit", title: "Hono, body limit", needs: "hono", command: hono("limit") },
  {
    name: "fastify",
    title: "Fastify on Node, JSON schemas",
    needs: "fastify",
    command: () => ({ program: "node", args: [pathOf("servers/fastify.mjs"), NODE] }),
  },
  {
    name: "gokit-1",
    title: "Go kit, GOMAXPROCS=1",
    needs: "go",
    command: () => gokit(["server", "plain"], ONE),
  },
  {
    name: "gokit",
    title: "Go kit, all cores",
    needs: "go",
    command: () => gokit(["server", "plain"]),
  },
  {
    name: "gokit-stack-1",
    title: "Go kit, full stack, GOMAXPROCS=1",
    needs: "go",
    command: () => gokit(["server", "stack"], ONE),
  },
  {
    name: "gokit-stack",
    title: "Go kit, full stack, all cores",
    needs: "go",
    command: () => gokit(["server", "stack"]),
  },
];

function denoClient(file: string, variant: string): Line["command"] {
  return (args) => denoCommand(file, [variant, ...args], NET);
}

/** The clients. The first is what the others are compared to. */
export const CLIENTS: readonly Line[] = [
  { name: "fetch", title: "fetch", command: denoClient("clients/fetch.mjs", "plain") },
  {
    name: "fetch-timeout",
    title: "fetch, AbortSignal.timeout",
    command: denoClient("clients/fetch.mjs", "timeout"),
  },
  { name: "kit-client", title: "Kit", command: denoClient("clients/kit.ts", "plain") },
  {
    name: "kit-client-deadline",
    title: "Kit, deadline of the context",
    command: denoClient("clients/kit.ts", "deadline"),
  },
  {
    name: "kit-client-timeout",
    title: "Kit, timeoutMs",
    command: denoClient("clients/kit.ts", "timeout"),
  },
  {
    name: "gokit-client-1",
    title: "Go kit, GOMAXPROCS=1",
    needs: "go",
    command: (args) => gokit(["client", ...args], ONE),
  },
  {
    name: "gokit-client",
    title: "Go kit, all cores",
    needs: "go",
    command: (args) => gokit(["client", ...args]),
  },
  {
    name: "node-fetch",
    title: "fetch of Node",
    needs: "node",
    command: (args) => ({
      program: "node",
      args: [pathOf("clients/fetch.mjs"), "plain", ...args],
    }),
  },
];
