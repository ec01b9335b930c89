/**
 * A ring of hashes.
 * @module
 */
import { Guide } from "./_guide.ts";
import { hash, mix } from "./_hash.ts";

/**
 * How many points each name has on the ring, and at how many places a key looks. The shares of the
 * names differ by about 1 / sqrt(2 * POINTS * PROBES), 5 % here.
 */
const POINTS = 8;
const PROBES = 21;
const SIZE = 2 ** 32;
/** More names than this do not fit beside a hash into the 53 bits of a number. */
const MAX_NAMES = 2 ** 21;
/** 2 ** 32 divided by the golden ratio: steps of this length spread evenly. */
const STEP = 0x9e3779b9;

/**
 * Places names and keys on a circle. A key belongs to the name whose point comes soonest after one
 * of the places where the key looks (multi-probe consistent hashing, Appleton and O'Reilly, 2015).
 * As many points for each name however many names there are: only the keys of a name that goes, or
 * comes, move. A ring where a key looks once needs a hundred points a name to be as even.
 */
export class Ring {
  /** Which name each point is of, in the order of the points. */
  readonly #owners: Uint32Array;
  /** Where each point is, from 0 to 1. */
  readonly #places: Float64Array;
  readonly #guide: Guide;

  constructor(names: readonly string[]) {
    const points = new Float64Array(names.length * POINTS);
    let count = 0;
    for (const [index, name] of names.entries()) {
      const first = hash(name, 1);
      // A step of its own, so that two names that start at one place part there.
      const step = hash(name, 2) | 1;
      for (let point = 0; point < POINTS; point++) {
        points[count++] = mix(first + Math.imul(point, step)) * MAX_NAMES + index;
      }
    }
    points.sort();
    this.#owners = Uint32Array.from(points, (point) => point % MAX_NAMES);
    this.#places = points.map((point) => Math.floor(point / MAX_NAMES) / SIZE);
    this.#guide = new Guide(this.#places);
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
      const place = mix(start + Math.imul(probe, STEP)) / SIZE;
      const above = this.#guide.above(place);
      const point = above < this.#places.length ? above : 0;
      const distance = this.#places[point]! - place + (above === point ? 0 : 1);
      if (distance < least) {
        nearest = point;
        least = distance;
      }
    }
    return nearest;
  }
}
