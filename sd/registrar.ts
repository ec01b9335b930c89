/**
 * Who tells a registry that a service runs.
 * @module
 */
import type { Status } from "./status.ts";

/**
 * Keeps one instance in a registry.
 *
 * Once registered it stays so until it says otherwise: leases and checks are kept alive, and what
 * the registry lost is registered again. Disposing of it deregisters and closes the connection.
 */
export interface Registrar extends AsyncDisposable {
  /** How the registration is: `connected` means that the registry holds it. */
  readonly status: Status;
  /**
   * Registers. Registering again while registered changes nothing.
   * @returns A promise that resolves when the registry holds the instance, and rejects with a
   * `KitError` when it refused or could not be reached; then nothing is kept up.
   */
  register(): Promise<void>;
  /**
   * Deregisters. Without a registration it does nothing.
   * @returns A promise that resolves when the registry has let go of the instance, and rejects with
   * a `KitError` when it could not be told; even then nothing is kept up any more.
   */
  deregister(): Promise<void>;
}
