/** The service that adds and its client, as whole programs. */
import assert from "node:assert/strict";
import { addcli, addsvc, WIRES } from "./_addsvc_testing.ts";

for (const wire of WIRES) {
  Deno.test(`addcli calls addsvc by ${wire}`, async () => { // XA3, XA5-XA7, XA11
    await using service = await addsvc("kit");
    const at = service.at(wire);
    assert.deepEqual(await addcli("kit", at, "1", "2"), { code: 0, out: "1 + 2 = 3\n", err: "" });
    const limited = await addcli("kit", at, "1", "2");
    assert.equal(limited.code, 1);
    assert.match(limited.err, wire === "http" ? /500 Internal/ : /rate limit exceeded$/m);
    const joined = await addcli("kit", at, "-method=concat", "a", 'b"é');
    assert.equal(joined.out, `"a" + "b\\"é" = "ab\\"é"\n`);
    const tooLong = await addcli("kit", at, "--method", "concat", "123456", "78901");
    assert.equal(tooLong.code, 1);
    assert.equal(
      tooLong.err,
      wire === "http" ? "error: 400 Bad Request\n" : "error: result exceeds maximum size\n",
    );
  });
}

Deno.test("addsvc tells its wires, its calls and its metrics, and stops at a signal", async () => { // XA1, XA8, XA9
  await using service = await addsvc("kit");
  const { out } = await addcli("kit", service.at("grpc"), "--", "-3", "-4");
  assert.equal(out, "-3 + -4 = -7\n");
  const response = await fetch(`http://127.0.0.1:${service.ports.debug}/metrics`);
  const metrics = await response.text();
  assert.match(metrics, /^example_addsvc_integers_summed 7$/m);
  assert.match(metrics, /^example_addsvc_characters_concatenated 0$/m);
  assert.match(
    metrics,
    /^example_addsvc_request_duration_seconds_count\{method="Sum",success="true"\} 1$/m,
  );
  assert.equal(await service.stop("SIGTERM"), 0);
  for (const transport of ["debug/HTTP", "HTTP", "gRPC", "Thrift", `"JSONRPC over HTTP"`]) {
    const line = service.lines.find((line) => line.includes(`transport=${transport} addr=`));
    assert.match(line ?? "", /^ts=\S+Z caller=main\.ts:\d+ transport=.* addr=127\.0\.0\.1:\d+$/);
  }
  const calls = service.lines.filter((line) => line.includes("method=Sum"));
  assert.match(calls[0]!, /method=Sum a=-3 b=-4 v=-7 err=null$/);
  assert.match(calls[1]!, /method=Sum transport_error=null took=[\d.]+(µs|ms)$/);
});

Deno.test("addsvc refuses what is no request by HTTP", async () => { // XA3, XA4
  await using service = await addsvc("kit");
  const post = async (path: string, body: string, method = "POST") => {
    const url = `http://127.0.0.1:${service.ports.http}${path}`;
    const response = await fetch(url, { method, body });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await post("/concat", `{"a":"1","b":"2"}`), [200, `{"v":"12"}\n`]);
  assert.deepEqual(await post("/concat", `{"A":"1","B":"2"}`, "PUT"), [200, `{"v":"12"}\n`]);
  const [status, text] = await post("/concat", `{"a":1}`);
  assert.equal(status, 400);
  assert.match(text as string, /^\{"error":"[^"]+"\}\n$/);
  assert.equal((await post("/concat", "nope"))[0], 400);
  assert.equal((await post("/sum", `{"a":1.5,"b":2}`))[0], 400);
  assert.deepEqual(await post("/concat", `{"a":"123456","b":"78901"}`), [
    400,
    `{"error":"result exceeds maximum size"}\n`,
  ]);
  assert.equal((await post("/product", "{}"))[0], 404);
});

for (
  const [args, code, says] of [
    [["1", "2"], 1, "error: no remote address specified"],
    [["-http-addr=127.0.0.1:1", "1"], 1, "Usage: addcli [flags] <a> <b>"],
    [["-http-addr=127.0.0.1:1", "-method=product", "1", "2"], 1, `error: invalid method "product"`],
    [["-http-addr=127.0.0.1:1", "one", "2"], 1, `error: invalid integer "one"`],
    [["-thrift-protocol=simplejson", "1", "2"], 1, "error: --thrift-protocol:"],
    [["-unknown=1", "1", "2"], 1, "error: Unknown option '--unknown'"],
    [["-grpc-addr=127.0.0.1:1", "1", "2"], 1, "error: "],
    [["-thrift-addr=127.0.0.1:1", "1", "2"], 1, "error: "],
    [["-netrpc-addr=127.0.0.1:1", "1", "2"], 1, "error: "],
    [["--help"], 0, ""],
  ] as const
) {
  Deno.test(`addcli ${args.join(" ")} ends with ${code}`, async () => { // XA11
    const ended = await addcli("kit", ...args);
    assert.equal(ended.code, code);
    assert(ended.err.startsWith(says), ended.err);
    assert(!/\bat .*:\d+:\d+/.test(ended.err), "no stack");
  });
}

Deno.test("addsvc ends with 1 when a port is in use, and with 2 for a bad flag", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const main = new URL("addsvc/main.ts", import.meta.url).href;
  for (
    const [flag, code, says] of [
      [`-thrift-addr=127.0.0.1:${taken.addr.port}`, 1, /^addsvc: .*127\.0\.0\.1/m],
      ["-netrpc-codec=xml", 2, /^addsvc: --netrpc-codec: "xml" is none of gob, json$/m],
    ] as const
  ) {
    const free = [
      "debug.addr",
      "http-addr",
      "grpc-addr",
      "thrift-addr",
      "jsonrpc-addr",
      "netrpc-addr",
    ]
      .filter((name) => !flag.includes(name)).map((name) => `-${name}=127.0.0.1:0`);
    const { code: ended, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-net", "--allow-env", main, flag, ...free],
    }).output();
    const err = new TextDecoder().decode(stderr);
    assert.equal(ended, code, err);
    assert.match(err, says);
  }
});
