/**
 * Metadata that hooks add to what goes out.
 * @module
 */

/**
 * Metadata on its way out. Names are lower case on the wire. The value of a name that ends in `-bin`
 * is base64 text here, and bytes to the peer; any other is printable ASCII.
 */
export interface MetadataWriter extends Iterable<readonly [name: string, value: string]> {
  /**
   * Tells the first value of a name.
   * @param name The name, in any case.
   * @returns The value, or `undefined` when there is none.
   */
  get(name: string): string | undefined;
  /**
   * Puts a value in place of all values of its name.
   * @param name The name.
   * @param value The value.
   * @throws {TypeError} If gRPC cannot carry the name or the value, or the name is its own.
   */
  set(name: string, value: string): void;
  /**
   * Adds a value to those of its name.
   * @param name The name.
   * @param value The value.
   * @throws {TypeError} If gRPC cannot carry the name or the value, or the name is its own.
   */
  append(name: string, value: string): void;
  /**
   * Takes all values of a name out.
   * @param name The name, in any case.
   */
  delete(name: string): void;
}
