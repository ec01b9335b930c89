/**
 * Reads the few small protobuf files that Kit brings along, so that nobody needs a compiler for them.
 * @module
 */
import { create, createFileRegistry, type DescFile } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  EnumValueDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
  MethodDescriptorProtoSchema,
  OneofDescriptorProtoSchema,
  type ServiceDescriptorProto,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

const SCALARS: ReadonlyMap<string, Type> = new Map([
  ["string", Type.STRING],
  ["bytes", Type.BYTES],
  ["int32", Type.INT32],
  ["bool", Type.BOOL],
]);

/** A block that is open: the name it gives to what is in it, and what that is put into. */
interface Scope {
  readonly path: string;
  readonly message?: DescriptorProto;
  readonly oneofIndex?: number;
  readonly enumeration?: EnumDescriptorProto;
  readonly service?: ServiceDescriptorProto;
}

/**
 * Makes the descriptor of a file that imports no other.
 * @param name Its path, as other files would import it.
 * @param source Its text: proto3 with one statement a line, without options and comments.
 * @throws {TypeError} If there is something in it that this small reader does not know.
 */
export function protoFile(name: string, source: string): DescFile {
  const file = create(FileDescriptorProtoSchema, { name, syntax: "proto3" });
  const types = new Map<string, Type.MESSAGE | Type.ENUM>();
  const unresolved: { field: FieldDescriptorProto; type: string; path: string }[] = [];
  const scopes: Scope[] = [];

  function open(kind: string, name: string, outer: Scope | undefined): Scope {
    const path = `${outer?.path ?? `.${file.package}`}.${name}`;
    if (kind === "message") return openMessage(name, path, outer);
    if (kind === "enum") {
      const enumeration = create(EnumDescriptorProtoSchema, { name });
      (outer?.message ?? file).enumType.push(enumeration);
      types.set(path, Type.ENUM);
      return { path, enumeration };
    }
    if (kind === "service") {
      const service = create(ServiceDescriptorProtoSchema, { name });
      file.service.push(service);
      return { path, service };
    }
    const { message, path: within } = outer!;
    return {
      path: within,
      message: message!,
      oneofIndex: message!.oneofDecl.push(create(OneofDescriptorProtoSchema, { name })) - 1,
    };
  }

  function openMessage(name: string, path: string, outer: Scope | undefined): Required<
    Pick<Scope, "path" | "message">
  > {
    const message = create(DescriptorProtoSchema, { name });
    if (outer?.message === undefined) file.messageType.push(message);
    else outer.message.nestedType.push(message);
    types.set(path, Type.MESSAGE);
    return { path, message };
  }

  function addField(scope: Scope, type: string, name: string, number: number, label: Label): void {
    const field = create(FieldDescriptorProtoSchema, {
      name,
      number,
      label,
      jsonName: camel(name),
    });
    if (scope.oneofIndex !== undefined) field.oneofIndex = scope.oneofIndex;
    scope.message!.field.push(field);
    unresolved.push({ field, type, path: scope.path });
  }

  function read(line: string): void {
    const scope = scopes.at(-1);
    let match: RegExpExecArray | null;
    if ((match = /^package ([\w.]+);$/.exec(line))) {
      file.package = match[1]!;
    } else if ((match = /^(message|enum|oneof|service) (\w+) \{$/.exec(line))) {
      scopes.push(open(match[1]!, match[2]!, scope));
    } else if (line === "}") {
      scopes.pop();
    } else if (
      (match = /^rpc (\w+)\((stream )?(\w+)\) returns \((stream )?(\w+)\);$/.exec(line))
    ) {
      scope!.service!.method.push(create(MethodDescriptorProtoSchema, {
        name: match[1]!,
        clientStreaming: match[2] !== undefined,
        inputType: `.${file.package}.${match[3]}`,
        serverStreaming: match[4] !== undefined,
        outputType: `.${file.package}.${match[5]}`,
      }));
    } else if ((match = /^(\w+) = (\d+);$/.exec(line))) {
      const value = { name: match[1]!, number: Number(match[2]) };
      scope!.enumeration!.value.push(create(EnumValueDescriptorProtoSchema, value));
    } else if ((match = /^map<(\w+), (\w+)> (\w+) = (\d+);$/.exec(line))) {
      const entry = `${camel(`_${match[3]!}`)}Entry`;
      const within = openMessage(entry, `${scope!.path}.${entry}`, scope);
      within.message.options = create(MessageOptionsSchema, { mapEntry: true });
      addField(within, match[1]!, "key", 1, Label.OPTIONAL);
      addField(within, match[2]!, "value", 2, Label.OPTIONAL);
      addField(scope!, entry, match[3]!, Number(match[4]), Label.REPEATED);
    } else if ((match = /^(repeated )?(\w+) (\w+) = (\d+);$/.exec(line))) {
      const label = match[1] === undefined ? Label.OPTIONAL : Label.REPEATED;
      addField(scope!, match[2]!, match[3]!, Number(match[4]), label);
    } else {
      throw new TypeError(`Cannot read "${name}" as it has an unknown line: "${line}"`);
    }
  }

  for (const line of source.split("\n")) if (line.trim() !== "") read(line.trim());
  for (const { field, type, path } of unresolved) {
    const scalar = SCALARS.get(type);
    if (scalar === undefined) field.typeName = resolve(type, path, types);
    field.type = scalar ?? types.get(field.typeName)!;
  }
  return createFileRegistry(file, () => undefined).getFile(name)!;
}

/** Finds a type from the inside out, as protobuf does. */
function resolve(type: string, path: string, types: ReadonlyMap<string, unknown>): string {
  for (let within = path;; within = within.slice(0, within.lastIndexOf("."))) {
    if (types.has(`${within}.${type}`)) return `${within}.${type}`;
    if (within === "") throw new TypeError(`Cannot find type: "${type}"`);
  }
}

function camel(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
