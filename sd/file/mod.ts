/**
 * Service discovery by a file that lists instances.
 *
 * ```ts
 * import { fileInstancer } from "@kit/sd/file";
 * import assert from "node:assert/strict";
 *
 * await using instancer = fileInstancer("instances.yaml"); // It may come later.
 * assert.equal(instancer.status.state, "connecting");
 * ```
 * @module
 */
export * from "./instancer.ts";
