import { apply } from "./apply.ts";
import { background } from "./background.ts";
import { chain } from "./chain.ts";
import type { AnyMiddleware, Endpoint } from "./endpoint.ts";

// Budget: at most 30 ns for each pass-through middleware. One bench a shape of call, since the
// engine inlines a chain that is the only one.
const answer = Promise.resolve(1);
const endpoint: Endpoint<number, number> = () => answer;
const pass: AnyMiddleware = (next) => (request, ctx) => next(request, ctx);
const awaiting: AnyMiddleware = (next) => async (request, ctx) => await next(request, ctx);
const ctx = background();

const five = apply(endpoint, pass, pass, pass, pass, pass);
const chained = chain(pass, pass, pass, pass, pass)(endpoint);
const fiveAwaiting = apply(endpoint, awaiting, awaiting, awaiting, awaiting, awaiting);

Deno.bench("no middleware", { group: "call", baseline: true }, async () => {
  await endpoint(1, ctx);
});
Deno.bench("apply() of 5 pass-through", { group: "call" }, async () => {
  await five(1, ctx);
});
Deno.bench("chain() of 5 pass-through", { group: "call" }, async () => {
  await chained(1, ctx);
});
Deno.bench("apply() of 5 that await", { group: "call" }, async () => {
  await fiveAwaiting(1, ctx);
});
