/**
 * Who tells where a service runs.
 * @module
 */
import type { Instance } from "./instance.ts";
import type { Status } from "./status.ts";

/**
 * What an instancer tells: the full set of instances, or why it cannot be known at present. An error
 * says nothing about the instances: the last set stays as good as it was.
 */
export type DiscoveryEvent =
  | {
    /** All the instances: sorted by address, each once, frozen. */
    readonly instances: readonly Instance[];
    /** Not set. */
    readonly error?: undefined;
    /** Not set. */
    readonly source?: undefined;
  }
  | {
    /** Why the instances are not known at present. */
    readonly error: Error;
    /** Which registry failed, such as `consul://localhost:8500/stringsvc`. */
    readonly source?: string | undefined;
    /** Not set. */
    readonly instances?: undefined;
  };

/** Hears what an instancer tells. It must be quick and must not throw. */
export type DiscoveryListener = (event: DiscoveryEvent) => void;

/**
 * Tells where a service runs: a fixed list, or a registry that is watched.
 *
 * An instancer that holds a connection is a {@linkcode RegistryInstancer}.
 */
export interface Instancer {
  /**
   * Starts to tell a listener: before it returns the last known set, if there is one, then the
   * present error, if there is one; later each set and each error that differs from the one before.
   * @param listener Who is told.
   * @returns The subscription; once disposed of, the listener hears nothing more.
   */
  subscribe(listener: DiscoveryListener): Disposable;
}

/** An instancer that watches a registry over a connection of its own. */
export interface RegistryInstancer extends Instancer, AsyncDisposable {
  /** How the connection to the registry is. */
  readonly status: Status;
}
