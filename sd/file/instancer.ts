/**
 * Follows a file that lists instances.
 * @module
 */
import { dirname } from "node:path";
import { systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { InstanceCache, type InstanceCacheOptions } from "../cache.ts";
import type { RegistryInstancer } from "../instancer.ts";
import { parseInstances } from "./_parse.ts";
import { readText, watchFolder } from "./_watch.ts";

/** Options for {@linkcode fileInstancer}. */
export interface FileInstancerOptions extends Omit<InstanceCacheOptions, "source"> {
  /**
   * How long after a change the file is read, so that a change in several steps is seen once.
   * @default {100}
   */
  readonly debounceMs?: number;
  /**
   * How often the file is read anyway, for file systems that tell no changes.
   * @default {5000}
   */
  readonly pollMs?: number;
  /**
   * The most bytes that the file may have.
   * @default {1048576}
   */
  readonly maxBytes?: number;
  /**
   * Calls back when something in a folder changes.
   * @default {watch of node:fs}
   */
  readonly watch?: (folder: string, onChange: () => void) => Disposable;
}

/**
 * Follows a YAML or JSON file in the shape of Prometheus' `file_sd`: a list of groups of `targets`
 * with `labels`, or of addresses. The labels `weight`, `priority`, `zone`, `version` and `tags`
 * describe the instances; the others are their `metadata`. All values are texts.
 *
 * The file is read again when it is written, replaced by another, or a symbolic link leads elsewhere,
 * as with a ConfigMap of Kubernetes. A file that is gone, cut off or broken is an error, with the
 * line; the last good set stays. An empty file is broken, `[]` is an empty set.
 * @param path Where the file is; it may come later.
 * @param options The times, the limit and the seams.
 * @returns The instancer. Disposing of it ends the watching.
 * @throws {RangeError} If a number is out of range.
 * @example Usage
 * ```ts
 * import { fileInstancer } from "@kit/sd/file";
 * import assert from "node:assert/strict";
 * import { mkdtemp, rm, writeFile } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const folder = await mkdtemp(`${tmpdir()}/instances-`);
 * await writeFile(
 *   `${folder}/instances.yaml`,
 *   `
 * - targets: ["10.0.0.1:8080", "[fd00::1]:8080"]
 *   labels: { zone: eu-1, weight: 3, team: search }
 * - 10.0.0.2:8080
 * `,
 * );
 * await using instancer = fileInstancer(`${folder}/instances.yaml`);
 * const told = Promise.withResolvers<unknown>();
 * using _ = instancer.subscribe(({ instances }) => told.resolve(instances?.[0]));
 * assert.deepEqual(await told.promise, {
 *   address: "10.0.0.1:8080",
 *   zone: "eu-1",
 *   weight: 3,
 *   metadata: { team: "search" },
 * });
 * await rm(folder, { recursive: true });
 * ```
 */
export function fileInstancer(path: string, options: FileInstancerOptions = {}): RegistryInstancer {
  const {
    debounceMs = 100,
    pollMs = 5000,
    maxBytes = 2 ** 20,
    watch = watchFolder,
    clock = systemClock,
  } = options;
  checkNonNegative("debounceMs", debounceMs);
  checkPositive("pollMs", pollMs);
  checkPositiveInteger("maxBytes", maxBytes);
  const cache = new InstanceCache({ ...options, source: `file:${path}` });
  let text: string | undefined;
  let poll: Disposable | undefined;
  let debounce: Disposable | undefined;
  let reading: Promise<void> | undefined;
  let isStale = false;
  let isClosed = false;

  async function readOnce(): Promise<void> {
    try {
      const now = await readText(path, maxBytes);
      if (now === text && cache.status.state === "connected") return;
      text = now;
      cache.update(parseInstances(now));
    } catch (error) {
      cache.fail(error);
    }
  }

  async function readAll(): Promise<void> {
    do {
      isStale = false;
      await readOnce();
    } while (isStale && !isClosed);
    reading = undefined;
    if (!isClosed) poll = clock.after(pollMs, read);
  }

  function read(): void {
    debounce = undefined;
    poll?.[Symbol.dispose]();
    isStale = true;
    reading ??= readAll();
  }

  const watcher = watch(dirname(path), () => {
    if (!isClosed) debounce ??= clock.after(debounceMs, read);
  });
  read();
  return {
    subscribe: (listener) => cache.subscribe(listener),
    get status() {
      return cache.status;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      cache[Symbol.dispose]();
      watcher[Symbol.dispose]();
      poll?.[Symbol.dispose]();
      debounce?.[Symbol.dispose]();
      await reading;
    },
  };
}
