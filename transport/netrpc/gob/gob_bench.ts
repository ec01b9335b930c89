import * as gob from "./mod.ts";

const Args = gob.struct("Args", { a: gob.int, b: gob.int });
const Item = gob.struct("Item", {
  id: gob.int,
  name: gob.string,
  price: gob.float,
  tags: gob.slice(gob.string),
});
const Order = gob.struct("Order", {
  id: gob.int64,
  items: gob.slice(Item),
  notes: gob.map(gob.string, gob.string),
});
const args = { a: 7, b: 8 };
const order: gob.Infer<typeof Order> = {
  id: 7n,
  items: Array.from(
    { length: 20 },
    (_, id) => ({ id, name: `item ${id}`, price: id / 3, tags: ["a", "b"] }),
  ),
  notes: new Map([["a", "1"], ["b", "2"]]),
};
const json = { ...order, id: 7, notes: { a: "1", b: "2" } };

/** Adds a bench of values that come one after the other in one stream. */
function stream<T>(name: string, group: string, type: gob.GobType<T>, value: NoInfer<T>): void {
  const encoder = new gob.Encoder();
  const decoder = new gob.Decoder();
  decoder.push(encoder.encode<T>(type, value));
  decoder.decode(type);
  const bytes = encoder.encode<T>(type, value);
  Deno.bench({ name: `encode ${name}`, group: `encode ${group}` }, () => {
    encoder.encode<T>(type, value);
  });
  Deno.bench({ name: `decode ${name}`, group: `decode ${group}` }, () => {
    decoder.push(bytes);
    decoder.decode(type);
  });
}

const utf8 = new TextEncoder();
const text = new TextDecoder();
/** Adds a bench of the same as JSON. */
function baseline(group: string, value: unknown): void {
  const bytes = utf8.encode(JSON.stringify(value));
  Deno.bench({ name: "JSON", group: `encode ${group}`, baseline: true }, () => {
    utf8.encode(JSON.stringify(value));
  });
  Deno.bench({ name: "JSON", group: `decode ${group}`, baseline: true }, () => {
    JSON.parse(text.decode(bytes));
  });
}

stream("two integers", "small", Args, args);
baseline("small", args);
stream("twenty items", "order", Order, order);
baseline("order", json);
