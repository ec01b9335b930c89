/**
 * Items that have come and have not been taken.
 * @module
 */

/** A queue that counts bytes. Taking the first of a long array would move all others. */
export class Queue {
  #items: (readonly [item: unknown, size: number])[] = [];
  #first = 0;
  bytes = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  add(item: unknown, size: number): void {
    this.#items.push([item, size]);
    this.bytes += size;
  }

  take(): unknown {
    const [item, size] = this.#items[this.#first++]!;
    this.bytes -= size;
    if (this.#first > 64 && 2 * this.#first > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#first = 0;
    this.bytes = 0;
  }
}
