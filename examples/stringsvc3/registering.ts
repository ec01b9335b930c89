/**
 * Tells a registry where this instance is.
 * @module
 */
import { parseAddress } from "@kit/sd";
import { parseListenAddress } from "@kit/transport/http";
import type { Flag } from "../_shared/flags.ts";
import { FORMS, parseRegistry, type Registry } from "../_shared/registry.ts";

/** Where to register. */
export const register: Flag<Registry | undefined> = {
  help: "registry to register in: the same forms as for --proxy, but for dns and file",
  byDefault: "",
  parse(text) {
    if (text === "") return undefined;
    const registry = parseRegistry(text);
    if (registry?.add !== undefined) return registry;
    throw new TypeError(
      `Cannot register as the registry must be ${
        FORMS.split(", dns")[0]
      }: current value is "${text}"`,
    );
  },
};

/** Under which address to register. */
export const advertise: Flag<string> = {
  help: "host:port to register, if it is not that of --listen",
  byDefault: "",
  parse(text) {
    if (text !== "") parseAddress(text);
    return text;
  },
};

/** Tells the address under which others on this machine can call what listens on `listen`. */
export function reachable(listen: string): string {
  const { hostname, port } = parseListenAddress(listen);
  return hostname === "0.0.0.0" || hostname === "::" ? `127.0.0.1:${port}` : listen;
}
