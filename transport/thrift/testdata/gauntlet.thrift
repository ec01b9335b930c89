// What the peers of the integration tests speak.
namespace go gauntlet
namespace py gauntlet

enum Color {
  RED = 1,
  GREEN = 2,
}

struct Leaf {
  1: i32 id,
  2: optional string label,
}

union Size {
  1: double exact,
  2: string named,
}

struct Everything {
  1: bool yes,
  2: i8 tiny,
  3: i16 small,
  4: i32 medium,
  5: i64 large,
  6: double real,
  7: string text,
  8: binary bytes,
  9: list<i32> numbers,
  10: set<string> names,
  11: map<string, i64> counts,
  12: Color color,
  13: Leaf leaf,
  14: list<map<i32, list<bool>>> nested,
  15: optional string absent,
  16: list<bool> flags,
  17: Size size,
  18: map<i32, Leaf> leaves,
  19: list<Leaf> many,
  200: i32 far = 7,
  201: optional bool no,
}

exception NotFound {
  1: string id,
  2: string message,
}

struct SumReply {
  1: i64 value,
  2: string err,
}

service Gauntlet {
  Everything echo(1: Everything value),
  SumReply sum(1: i64 a, 2: i64 b),
  string find(1: string id) throws (1: NotFound notFound),
  void ping(),
  oneway void tell(1: string text),
  string told(),
  void fail(1: string how),
  i32 slow(1: i32 ms),
}

// What a newer client would call.
service Later extends Gauntlet {
  void unheardOf(1: string text),
}
