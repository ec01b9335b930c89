/**
 * The metadata that a call sends along.
 * @module
 */
import { type Context, KitError } from "@kit/endpoint";

/** What takes names and values: `Headers`, and what other wires have in their place. */
interface Appendable {
  append(name: string, value: string): void;
}

/** The longest name that is told in a message. */
const MAX_NAME = 64;

/**
 * Adds the outgoing metadata of a context to headers. What came from another wire and cannot go over
 * this one fails the call with `invalid_argument`: to leave it out could mean another call.
 * @param ctx The context.
 * @param headers Where to.
 * @param isOwn Tells the names that are the wire's own to set; they are left out.
 */
export function appendOutgoing(
  ctx: Context,
  headers: Appendable,
  isOwn: (name: string) => boolean = () => false,
): void {
  for (const [name, value] of ctx.outgoing) {
    if (isOwn(name)) continue;
    try {
      headers.append(name, value);
    } catch (cause) {
      const shown = JSON.stringify(name.slice(0, MAX_NAME));
      const text = `Cannot send metadata ${shown} as this wire cannot carry it`;
      throw new KitError("invalid_argument", text, { cause });
    }
  }
}
