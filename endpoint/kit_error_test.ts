import assert from "node:assert/strict";
import { type Equals, pin } from "./_support_test.ts";
import { setTimeout } from "node:timers/promises";
import { codeOf, CODES, type ErrorCode, isKitError, KitError, toKitError } from "./kit_error.ts";

Deno.test("CODES has gRPC's 17 names at gRPC's numbers, and cannot be changed", () => {
  assert.deepEqual(CODES, [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
  ]);
  assert.throws(() => (CODES as string[]).push("more"), TypeError);
  // @ts-expect-error: a call that went well is no error
  const ok: ErrorCode = "ok";
  assert.equal(ok, "ok");
});

Deno.test("KitError keeps code, message, cause, details and push-back", () => {
  const cause = new Error("connection refused");
  const details = [{ pointer: "/s", detail: "must be a string" }];
  const error = new KitError("unavailable", "Down", { cause, details, retryAfterMs: 250 });
  assert(error instanceof Error);
  assert.equal(error.name, "KitError");
  assert.equal(error.code, "unavailable");
  assert.equal(error.message, "Down");
  assert.equal(error.cause, cause);
  assert.equal(error.details, details);
  assert.equal(error.retryAfterMs, 250);
  pin<Equals<KitError["code"], ErrorCode>>();
});

Deno.test("KitError without options has no cause, no details and no push-back", () => {
  const error = new KitError("aborted", "Try again");
  assert(!("cause" in error));
  assert.deepEqual(error.details, []);
  assert.equal(error.retryAfterMs, undefined);
  assert("cause" in new KitError("aborted", "Try again", { cause: undefined }));
});

Deno.test("KitError has a stack that begins where it was made", () => {
  function whereItWasMade(): KitError {
    return new KitError("internal", "Broken");
  }
  const lines = whereItWasMade().stack!.split("\n");
  assert.match(lines[0]!, /Broken/);
  assert.match(lines[1]!, /whereItWasMade/);
});

Deno.test("KitError shows no cause, stack or message when it is made JSON", () => {
  const error = new KitError("internal", "Broken", { cause: new Error("password=hunter2") });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    name: "KitError",
    code: "internal",
    details: [],
  });
});

Deno.test("isKitError() knows subclasses and the errors of a second copy of the module", async () => {
  class Full extends KitError {
    constructor() {
      super("resource_exhausted", "Full");
    }
  }
  const copy = await import("./kit_error.ts?copy");
  assert.notEqual(copy.KitError, KitError);
  const foreign = new copy.KitError("not_found", "Gone");
  assert(!(foreign instanceof KitError));
  assert(isKitError(foreign));
  assert.equal(codeOf(foreign), "not_found");
  assert.equal(toKitError(foreign), foreign);
  assert(copy.isKitError(new Full()));
  assert.equal(copy.codeOf(new Full()), "resource_exhausted");
});

Deno.test("isKitError() is not fooled by an error with a code", () => {
  assert(!isKitError(Object.assign(new Error("x"), { code: "not_found", details: [] })));
  assert(!isKitError({ name: "KitError", code: "not_found", message: "x" }));
  assert(!isKitError(KitError));
});

const codes: [unknown, ErrorCode][] = [
  [Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), "unknown"],
  [Object.assign(new Error("looks like one"), { code: "not_found" }), "unknown"],
  [new Deno.errors.NotFound("No such file"), "unknown"],
  [new DOMException("stop", "AbortError"), "cancelled"],
  [new DOMException("late", "TimeoutError"), "deadline_exceeded"],
  [new DOMException("odd", "DataCloneError"), "unknown"],
  [new AbortController().signal.reason, "unknown"],
  [AbortSignal.abort().reason, "cancelled"],
  [null, "unknown"],
  [undefined, "unknown"],
  ["AbortError", "unknown"],
  [0, "unknown"],
  [Symbol("s"), "unknown"],
  [{ name: "AbortError" }, "unknown"],
  [() => {}, "unknown"],
];
for (const [error, code] of codes) {
  Deno.test(`codeOf() and toKitError() make ${code} of ${String(error)}`, () => {
    assert.equal(codeOf(error), code);
    const shown = toKitError(error);
    assert(isKitError(shown));
    assert.equal(shown.code, code);
    assert.equal(shown.cause, error);
  });
}

Deno.test("codeOf() makes cancelled of what node modules reject with when aborted", async () => {
  const error = await setTimeout(10_000, 0, { signal: AbortSignal.abort("stop") })
    .catch((error: unknown) => error);
  assert(error instanceof Error && !(error instanceof DOMException));
  assert.equal(codeOf(error), "cancelled");
});

// W9: deadline and cancellation differ, each with a text of its own
Deno.test("toKitError() shows fixed texts and nothing of the inside", () => {
  const secret = "password=hunter2";
  const texts = [
    new Error(secret),
    new DOMException(secret, "AbortError"),
    new DOMException(secret, "TimeoutError"),
    Object.assign(new TypeError(secret), { code: "ERR", details: [secret], retryAfterMs: 1 }),
    secret,
  ].map((error) => {
    const shown = toKitError(error);
    assert(!JSON.stringify([shown, shown.message, shown.details]).includes("hunter2"));
    return shown.message;
  });
  assert.deepEqual(texts, [
    "Unknown error",
    "Call was cancelled",
    "Deadline exceeded",
    "Unknown error",
    "Unknown error",
  ]);
});
