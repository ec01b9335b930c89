/**
 * What connections of the runtime lack.
 * @module
 */

/** Writes all of some bytes. */
export async function writeAll(socket: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let sent = await socket.write(bytes);
  while (sent < bytes.length) sent += await socket.write(bytes.subarray(sent));
}

/** Closes a connection that may be closed already. */
export function closeQuietly(socket: { close(): void }): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}
