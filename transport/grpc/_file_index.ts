/**
 * Protobuf files, found by what is in them.
 * @module
 */
import { type DescEnum, type DescFile, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Some files and all that they import, indexed by what they declare. */
export class FileIndex {
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #messages = new Set<string>();
  /** The files of extensions by number, by the message that is extended. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();
  readonly #bytes = new Map<DescFile, Uint8Array>();

  constructor(files: Iterable<DescFile>) {
    for (const file of files) this.#add(file);
  }

  /** Finds a file by the path that others import it with. */
  byName(name: string): DescFile | undefined {
    return this.#files.get(name);
  }

  /** Finds the file that declares a fully qualified name: of a type, a method, a field and so on. */
  bySymbol(symbol: string): DescFile | undefined {
    return this.#symbols.get(symbol);
  }

  /** Finds the file that extends a message with a field of this number. */
  byExtension(message: string, number: number): DescFile | undefined {
    return this.#extensions.get(message)?.get(number);
  }

  /** Tells the numbers a message is extended with; `undefined` if there is no such message. */
  extensionsOf(message: string): readonly number[] | undefined {
    const numbers = this.#extensions.get(message)?.keys() ?? [];
    return this.#messages.has(message) ? [...numbers].sort((a, b) => a - b) : undefined;
  }

  /** Gives a file and, after it, all that it imports but for those that `known` has; adds to it. */
  withImports(file: DescFile, known: Set<DescFile>): Uint8Array[] {
    const found = new Set([file]);
    for (const { dependencies } of found) {
      for (const imported of dependencies) if (!known.has(imported)) found.add(imported);
    }
    for (const one of found) known.add(one);
    return [...found].map((one) => this.#bytesOf(one));
  }

  #bytesOf(file: DescFile): Uint8Array {
    let bytes = this.#bytes.get(file);
    if (bytes === undefined) {
      bytes = toBinary(FileDescriptorProtoSchema, file.proto);
      this.#bytes.set(file, bytes);
    }
    return bytes;
  }

  #add(file: DescFile): void {
    const { name } = file.proto;
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const imported of file.dependencies) this.#add(imported);
    for (const service of file.services) {
      this.#symbols.set(service.typeName, file);
      for (const method of service.methods) {
        this.#symbols.set(`${service.typeName}.${method.name}`, file);
      }
    }
    for (const enumeration of file.enums) this.#addEnum(enumeration);
    for (const message of file.messages) this.#addMessage(message);
    this.#addExtensions(file);
  }

  #addMessage(message: DescMessage): void {
    const { typeName, file } = message;
    this.#messages.add(typeName);
    this.#symbols.set(typeName, file);
    for (const { name } of [...message.fields, ...message.oneofs]) {
      this.#symbols.set(`${typeName}.${name}`, file);
    }
    for (const enumeration of message.nestedEnums) this.#addEnum(enumeration);
    for (const nested of message.nestedMessages) this.#addMessage(nested);
    this.#addExtensions({ extensions: message.nestedExtensions });
  }

  #addEnum({ typeName, values, file }: DescEnum): void {
    this.#symbols.set(typeName, file);
    // The values of an enum are named beside it, not in it.
    const scope = typeName.slice(0, typeName.lastIndexOf(".") + 1);
    for (const { name } of values) this.#symbols.set(scope + name, file);
  }

  #addExtensions({ extensions }: Pick<DescFile, "extensions">): void {
    for (const { typeName, extendee, number, file } of extensions) {
      this.#symbols.set(typeName, file);
      const numbers = this.#extensions.get(extendee.typeName) ?? new Map<number, DescFile>();
      this.#extensions.set(extendee.typeName, numbers.set(number, file));
    }
  }
}
