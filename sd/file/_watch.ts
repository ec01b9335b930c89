/**
 * What the file system offers: reading with a limit, and being told of changes.
 * @module
 */
import { watch } from "node:fs";
import { open, stat } from "node:fs/promises";
import { KitError } from "@kit/endpoint";

/**
 * Reads a text file.
 * @throws {KitError} If it cannot be read, is no file, is too long, or holds no UTF-8.
 */
export async function readText(path: string, maxBytes: number): Promise<string> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new KitError("unavailable", `Cannot read "${path}" as ${why}`, { cause });
  };
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(path, maxBytes, refuse);
  } catch (error) {
    if (error instanceof KitError) throw error;
    const { code } = error as { code?: string };
    return refuse(code === "ENOENT" ? "it does not exist" : `it gave ${code ?? "an error"}`, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("it is not in UTF-8");
  }
}

async function readBytes(
  path: string,
  maxBytes: number,
  refuse: (why: string) => never,
): Promise<Uint8Array> {
  // Before it is opened, which would wait for a writer of a pipe.
  if (!(await stat(path)).isFile()) refuse("it is no file");
  const file = await open(path);
  try {
    // One more than allowed, as the file may grow meanwhile.
    const buffer = new Uint8Array(maxBytes + 1);
    let length = 0;
    while (length <= maxBytes) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > maxBytes) refuse(`it has more than ${maxBytes} bytes`);
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** Calls back when something in a folder changes, as far as the system tells. */
export function watchFolder(folder: string, onChange: () => void): Disposable {
  try {
    const watcher = watch(folder, () => onChange());
    watcher.on("error", () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    // There is no such folder, or no watch left: the file is read now and then anyway.
    return { [Symbol.dispose]() {} };
  }
}
