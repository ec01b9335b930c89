/** The node of a registrar: found or created, and never twice. */
import { codeOf, KitError } from "@kit/endpoint";
import type { Connection } from "./_connection.ts";
import { type Acl, create, getChildren, getOwner, MODE, remove } from "./_protocol.ts";

export interface OwnNodeOptions {
  /** The path of the node above. */
  readonly parent: string;
  /** The last part of its path, or nothing for a number. */
  readonly name: string | undefined;
  readonly data: Uint8Array;
  readonly acl: readonly Acl[];
}

const NOTHING = new Uint8Array();

export class OwnNode {
  readonly #options: OwnNodeOptions;
  /** What the names of a sequence begin with; no other registrar has it. */
  readonly #prefix = `_c_${crypto.randomUUID()}-`;
  /** The sessions in which it has been created. */
  readonly #sessions = new Set<bigint>();
  #path: string | undefined;
  /** Whether there may be one that we do not know of. */
  #isInDoubt = false;

  constructor(options: OwnNodeOptions) {
    this.#options = options;
    if (options.name !== undefined) this.#path = `${options.parent}/${options.name}`;
  }

  /** Tells whether this is its path. */
  is(path: string): boolean {
    return path === this.#path;
  }

  /**
   * Sees to it that it is there once, and watched.
   * @throws {KitError} With code `already_exists` if it is another's; the end of that is watched.
   */
  async ensure(connection: Connection, session: bigint): Promise<void> {
    this.#sessions.add(session);
    if (this.#options.name !== undefined) await this.#ensureFixed(connection, session);
    else await this.#ensureSequential(connection, session);
  }

  async #ensureFixed(connection: Connection, session: bigint): Promise<void> {
    const path = this.#path!;
    for (;;) {
      const owner = await ownerOf(connection, path);
      if (owner === session) return this.#forgetOthers(session);
      if (owner === undefined) {
        await this.#create(connection, path, MODE.ephemeral).catch(except("already_exists"));
      } else if (this.#sessions.has(owner)) {
        await connection.request(remove(path)).catch(except("not_found"));
      } else {
        const message = `Cannot register as "${path}" belongs to another session`;
        throw new KitError("already_exists", message);
      }
    }
  }

  async #ensureSequential(connection: Connection, session: bigint): Promise<void> {
    const { parent } = this.#options;
    const candidates = this.#path === undefined ? [] : [this.#path];
    if (this.#isInDoubt) {
      const names = await connection.request(getChildren(parent)).catch(except("not_found")) ?? [];
      const own = names.filter((name) => name.startsWith(this.#prefix));
      candidates.push(...own.map((name) => `${parent}/${name}`));
    }
    let found: string | undefined;
    for (const path of new Set(candidates)) {
      const owner = await ownerOf(connection, path);
      if (owner === session && found === undefined) found = path;
      else if (owner !== undefined) {
        await connection.request(remove(path)).catch(except("not_found"));
      }
    }
    this.#path = found;
    if (found === undefined) {
      const path = `${parent}/${this.#prefix}`;
      this.#isInDoubt = true; // Until there is an answer.
      this.#path = await this.#create(connection, path, MODE.ephemeralSequential);
      if (await ownerOf(connection, this.#path) === undefined) {
        throw new KitError("aborted", `Cannot register as "${this.#path}" was deleted at once`);
      }
    }
    this.#isInDoubt = false;
    this.#forgetOthers(session);
  }

  async #create(connection: Connection, path: string, mode: number): Promise<string> {
    const { data, acl } = this.#options;
    for (;;) {
      try {
        return await connection.request(create(path, data, acl, mode));
      } catch (error) {
        if (codeOf(error) !== "not_found") throw error;
      }
      await this.#createParents(connection, this.#options.parent);
    }
  }

  /** Creates a node, after those above it; those that exist need not be open to us. */
  async #createParents(connection: Connection, path: string): Promise<void> {
    const request = create(path, NOTHING, this.#options.acl, MODE.persistent);
    try {
      await connection.request(request).catch(except("already_exists"));
    } catch (error) {
      const above = path.slice(0, path.lastIndexOf("/"));
      if (codeOf(error) !== "not_found" || above === "") throw error;
      await this.#createParents(connection, above);
      await connection.request(request).catch(except("already_exists"));
    }
  }

  #forgetOthers(session: bigint): void {
    for (const other of this.#sessions) if (other !== session) this.#sessions.delete(other);
  }
}

/** Tells whose a node is, if it exists, and watches it. */
async function ownerOf(connection: Connection, path: string): Promise<bigint | undefined> {
  return await connection.request(getOwner(path)).catch(except("not_found"));
}

/** Lets a failure with a code pass as nothing. */
function except(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}
