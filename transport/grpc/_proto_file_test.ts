import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { protoFile } from "./_proto_file.ts";

const SOURCE = `
  package a.b;
  message Outer {
    enum Kind {
      NONE = 0;
      SOME = 2;
    }
    message Inner {
      Kind kind = 1;
    }
    repeated Inner inners = 1;
    map<string, Inner> by_name = 2;
    oneof choice {
      string text = 3;
      Other other = 4;
    }
    bool last_one = 5;
  }
  message Other {
    bytes raw = 16;
    repeated int32 numbers = 17;
  }
  service Things {
    rpc One(Outer) returns (Other);
    rpc Many(stream Outer) returns (stream Other);
  }
`;

Deno.test("protoFile() describes messages that are encoded as protobuf has it", () => {
  const file = protoFile("a/b.proto", SOURCE);
  const [outer, other] = file.messages;
  assert.equal(outer!.typeName, "a.b.Outer");
  const message = create(outer!, {
    inners: [{ kind: 2 }],
    byName: { x: { kind: 2 } },
    choice: { case: "text", value: "t" },
    lastOne: true,
  });
  const bytes = toBinary(outer!, message);
  // deno-fmt-ignore
  assert.deepEqual([...bytes], [
    0x0a, 2, 8, 2,
    0x12, 7, 0x0a, 1, 120, 0x12, 2, 8, 2,
    0x1a, 1, 116,
    0x28, 1,
  ]);
  assert.deepEqual(fromBinary(outer!, bytes), message);
  const numbers = toBinary(other!, create(other!, { raw: new Uint8Array([7]), numbers: [1, 300] }));
  assert.deepEqual([...numbers], [0x82, 1, 1, 7, 0x8a, 1, 3, 1, 0xac, 2]);
});

Deno.test("protoFile() describes what a compiler would", () => {
  const { proto, services, messages } = protoFile("a/b.proto", SOURCE);
  assert.deepEqual(services[0]!.methods.map(({ name, methodKind }) => [name, methodKind]), [
    ["One", "unary"],
    ["Many", "bidi_streaming"],
  ]);
  assert.equal(services[0]!.typeName, "a.b.Things");
  assert.deepEqual(messages[0]!.members.map(({ kind, name }) => [kind, name]), [
    ["field", "inners"],
    ["field", "by_name"],
    ["oneof", "choice"],
    ["field", "last_one"],
  ]);
  // What reflection gives away is complete without this program.
  const again = fromBinary(FileDescriptorProtoSchema, toBinary(FileDescriptorProtoSchema, proto));
  assert.deepEqual(again, proto);
  assert.equal(proto.messageType[0]!.field[4]!.jsonName, "lastOne");
  assert.equal(proto.messageType[0]!.field[0]!.typeName, ".a.b.Outer.Inner");
});

Deno.test("protoFile() refuses what it does not know", () => {
  for (const line of ["option x = 1;", "double d = 1;", "string s;", "message M {}", "// no"]) {
    const source = `package a;\nmessage M {\n${line}\n}`;
    assert.throws(() => protoFile("a.proto", source), TypeError, line);
  }
});
