/** Kit's service that adds and Go kit's, each called by both clients: what is printed is the same. */
import assert from "node:assert/strict";
import { addcli, addsvc, GO_KIT, type Maker, SHARED_WIRES, type Wire } from "./_addsvc_testing.ts";

const ignore = GO_KIT === undefined;
const why = ignore ? " (ignored, as there is no KIT_ADDSVC_GOKIT)" : "";

/** What a call prints, on either stream. */
async function printed(client: Maker, args: readonly string[]): Promise<string> {
  const { out, err } = await addcli(client, ...args);
  return (out || err).trimEnd();
}

/**
 * What Go kit's client cannot tell, as it ignores the error in a reply: these are its defects, and
 * Kit's client tells the error.
 */
const TOO_LONG: Readonly<Record<Wire, Readonly<Record<Maker, string>>>> = {
  http: { go: "error: 400 Bad Request", kit: "error: 400 Bad Request" },
  grpc: {
    go: "error: result exceeds maximum size",
    kit: "error: result exceeds maximum size",
  },
  thrift: { go: `"123456" + "78901" = ""`, kit: "error: result exceeds maximum size" },
  jsonrpc: {
    go: "error: result exceeds maximum size",
    kit: "error: result exceeds maximum size",
  },
  netrpc: { go: "", kit: "" },
};

for (const wire of SHARED_WIRES) {
  for (const [client, server] of [["go", "kit"], ["kit", "go"]] as const) {
    const name = `addcli of ${client} calls addsvc of ${server} by ${wire}${why}`;
    Deno.test({ name, ignore }, async () => { // XA3-XA7, XA10, XA11
      await using service = await addsvc(server);
      const call = (...args: string[]) => printed(client, [service.at(wire), ...args]);
      assert.equal(await call("1", "2"), "1 + 2 = 3");
      const limited = await call("1", "2");
      if (wire === "http") assert.equal(limited, "error: 500 Internal Server Error");
      // Go kit's client dies of an exception of Thrift.
      else if (wire === "thrift" && client === "go") assert.match(limited, /^panic: .*nil pointer/);
      else assert.match(limited, /^error: .*rate limit exceeded$/);
      assert.equal(await call("-method=concat", "a", 'b"é'), `"a" + "b\\"é" = "ab\\"é"`);
      const tooLong = await call("-method=concat", "123456", "78901");
      // Go kit's service answers a broken rule with a zero by JSON-RPC.
      if (wire === "jsonrpc" && server === "go") assert.equal(tooLong, `"123456" + "78901" = ""`);
      else assert.equal(tooLong, TOO_LONG[wire][client]);
    });
  }
}

for (const protocol of ["binary", "compact", "json"]) {
  for (const framed of ["false", "true"]) {
    for (const [client, server] of [["go", "kit"], ["kit", "go"]] as const) {
      const how = `${protocol}${framed === "true" ? ", framed" : ""}`;
      const name = `addcli of ${client} calls addsvc of ${server} by thrift, ${how}${why}`;
      Deno.test({ name, ignore }, async () => { // XA1
        const flags = [`-thrift-protocol=${protocol}`, `-thrift-framed=${framed}`];
        await using service = await addsvc(server, ...flags);
        const at = service.at("thrift");
        assert.equal(
          await printed(client, [at, ...flags, "-5", "7"].flatMap(beforeNumbers)),
          "-5 + 7 = 2",
        );
        const joined = await printed(client, [at, ...flags, "-method=concat", "é", "x"]);
        assert.equal(joined, `"é" + "x" = "éx"`);
      });
    }
  }
}

/** What begins with a minus would be a flag. */
function beforeNumbers(arg: string): string[] {
  return /^-\d/.test(arg) ? ["--", arg] : [arg];
}
