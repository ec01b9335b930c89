/**
 * A ring of hashes.
 * @module
 */
import { hash, mix } from "./_hash.ts";

/**
 * How many points each name has on the ring, and at how many places a key looks. The shares of the
 * names differ by about 1 / sqrt(2 * POINTS * PROBES), 5 % here.
 */
const POINTS = 8;
const PROBES = 21;
const SIZE = 2 ** 32;
/** 2 ** 32 divided by the golden ratio: steps of this length spread evenly. */
const STEP = 0x9e3779b9;

/**
 * Places names and keys on a circle. A key belongs to the name whose point comes soonest after one
 * of the places where the key looks (multi-probe consistent hashing, Appleton and O'Reilly, 2015).
 * As many points for each name however many names there are: only the keys of a name that goes, or
 * comes, move. A ring where a key looks once needs a hundred points a name to be as even.
 */
export class Ring {
  /** Where each point is, in order. */
  readonly #places: Uint32Array;
  /** Which name each point is of. */
  readonly #owners: Uint32Array;
  /** The ring cut into as many equal parts as there are points: the first point of each part. */
  readonly #starts: Uint32Array;

  constructor(names: readonly string[]) {
    const count = names.length * POINTS;
    const unordered = new Uint32Array(count);
    this.#starts = new Uint32Array(count + 1);
    let at = 0;
    for (const name of names) {
      const first = hash(name, 1);
      // A step of its own, so that two names that start at one place part there.
      const step = hash(name, 2) | 1;
      for (let point = 0; point < POINTS; point++) {
        const place = mix(first + Math.imul(point, step));
        unordered[at++] = place;
        this.#starts[this.#partOf(place) + 1]!++;
      }
    }
    for (let part = 0; part < count; part++) this.#starts[part + 1]! += this.#starts[part]!;
    this.#places = new Uint32Array(count);
    this.#owners = new Uint32Array(count);
    this.#order(unordered);
  }

  /** Puts each point into its part, in order: hashes are spread so that a part has about one. */
  #order(unordered: Uint32Array): void {
    const filled = this.#starts.slice();
    for (let i = 0; i < unordered.length; i++) {
      const place = unordered[i]!;
      const part = this.#partOf(place);
      let at = filled[part]!++;
      for (; at > this.#starts[part]! && this.#places[at - 1]! > place; at--) {
        this.#places[at] = this.#places[at - 1]!;
        this.#owners[at] = this.#owners[at - 1]!;
      }
      this.#places[at] = place;
      this.#owners[at] = Math.floor(i / POINTS);
    }
  }

  #partOf(place: number): number {
    return Math.floor(place / SIZE * (this.#starts.length - 1));
  }

  /** How many points there are. */
  get length(): number {
    return this.#owners.length;
  }

  /** Tells which name a point is of; points are counted around and around. */
  ownerOf(point: number): number {
    return this.#owners[point % this.#owners.length]!;
  }

  /** Tells the point that a key belongs to. */
  pointOf(key: string): number {
    const start = hash(key, 0);
    let nearest = 0;
    let least = Infinity;
    for (let probe = 0; probe < PROBES; probe++) {
      const place = mix(start + Math.imul(probe, STEP));
      const point = this.#next(place);
      const distance = (this.#places[point]! - place) >>> 0;
      if (distance < least) {
        nearest = point;
        least = distance;
      }
    }
    return nearest;
  }

  /** Tells the first point from a place on. */
  #next(place: number): number {
    const places = this.#places;
    let at = this.#starts[this.#partOf(place)]!;
    while (at < places.length && places[at]! < place) at++;
    return at < places.length ? at : 0;
  }
}
