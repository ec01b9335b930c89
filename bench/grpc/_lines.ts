/**
 * The lines of the tables.
 * @module
 */
import type { Command } from "../_processes.ts";
import { denoCommand, pathOf } from "../_tools.ts";

/** A server or a client that is measured. */
export interface Line {
  readonly name: string;
  readonly title: string;
  /** What to start; clients get `host:port`. */
  readonly command: (args: readonly string[]) => Command;
}

/** The binary of `go/`. */
export const GRPC_GO = pathOf(".build/grpc-go");

// grpc-js looks around when it loads.
const FLAGS = ["--allow-net=127.0.0.1", "--allow-env", "--allow-sys", "--allow-read", "--no-lock"];

function deno(file: string, variant: string): Line["command"] {
  return (args) => denoCommand(`grpc/${file}`, [variant, ...args], ...FLAGS);
}

function go(role: "server" | "client", env: Readonly<Record<string, string>> = {}) {
  return (args: readonly string[]): Command => ({ program: GRPC_GO, args: [role, ...args], env });
}

const ONE = { GOMAXPROCS: "1" };

/** The servers. The first is what the others are compared to. */
export const SERVERS: readonly Line[] = [
  { name: "grpc-js", title: "grpc-js on Deno", command: deno("grpc_js.mjs", "server") },
  { name: "kit", title: "Kit", command: deno("server.ts", "plain") },
  { name: "grpc-go-1", title: "grpc-go, GOMAXPROCS=1", command: go("server", ONE) },
  { name: "grpc-go", title: "grpc-go, all cores", command: go("server") },
];

/** The clients. The first is what the others are compared to. */
export const CLIENTS: readonly Line[] = [
  { name: "grpc-js", title: "grpc-js on Deno", command: deno("grpc_js.mjs", "client") },
  { name: "kit", title: "Kit", command: deno("client.ts", "plain") },
  {
    name: "kit-deadline",
    title: "Kit, deadline of the context",
    command: deno("client.ts", "deadline"),
  },
  { name: "grpc-go-1", title: "grpc-go, GOMAXPROCS=1", command: go("client", ONE) },
  { name: "grpc-go", title: "grpc-go, all cores", command: go("client") },
];

/** What puts load on servers. */
export const LOAD: Line["command"] = go("client", ONE);
/** What clients call. */
export const TARGET: Line["command"] = go("server");
