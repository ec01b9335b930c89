/**
 * The functions that the integration tests run under AWS's runtime for Node.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { routes } from "../../http/routes.ts";
import * as http from "../../http/server.ts";
import { httpEvents, requestId, server } from "../mod.ts";

/** An endpoint as a function. */
export const upper = server(({ s }: { s: string }, ctx) => {
  if (s === "missing") return Promise.reject(new KitError("not_found", `Cannot find "missing"`));
  if (s === "secret") return Promise.reject(new Error("password=hunter2"));
  if (s === "slow") return new Promise(() => {});
  return Promise.resolve({
    v: s.toUpperCase(),
    id: ctx.value(requestId),
    user: ctx.metadata.get("user"),
    isTimed: ctx.deadline !== undefined,
  });
});

/** An HTTP handler as a function. */
export const web = httpEvents(routes({
  "POST /uppercase": http.server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() })),
}));
