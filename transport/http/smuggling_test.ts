// PROMISES R10, S1: what may be read in two ways is refused, or read as one request.
import assert from "node:assert/strict";
import { HOST, Raw, soon } from "./_support_test.ts";
import type { Handler } from "./handler.ts";
import { proxy } from "./proxy.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
/** What is sent behind it all, so that the server answers and closes. */
const LAST = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const head = (lines: string, path = "/") => `POST ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`;

/** What may come of it: a 400, that or a connection that is cut, or no more than one request. */
type Outcome = "400" | "refused" | "one";

const cases: [name: string, bytes: string, outcome: Outcome][] = [
  [
    "CL.TE",
    head("Content-Length: 6\r\nTransfer-Encoding: chunked") + `0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  [
    "TE.CL",
    head("Transfer-Encoding: chunked\r\nContent-Length: 4") + `5c\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    "400",
  ],
  [
    "TE.TE, one unknown",
    head("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow") + `0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  [
    "TE.TE, twice",
    head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + `0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  ["TE, not last", head("Transfer-Encoding: chunked, identity") + `0\r\n\r\n${SMUGGLED}`, "400"],
  ["TE, unknown", head("Transfer-Encoding: xchunked") + `0\r\n\r\n${SMUGGLED}`, "400"],
  [
    "TE, space before the colon",
    head("Transfer-Encoding : chunked") + `0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  ["TE, folded", head("Transfer-Encoding:\r\n chunked") + `0\r\n\r\n${SMUGGLED}`, "400"],
  ["TE, vertical tab", head("Transfer-Encoding: \vchunked") + `0\r\n\r\n${SMUGGLED}`, "400"],
  [
    "TE on HTTP/1.0",
    `POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  [
    "CL.CL, different",
    head(`Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}`) + SMUGGLED,
    "400",
  ],
  ["CL, a list", head(`Content-Length: 0, ${SMUGGLED.length}`) + SMUGGLED, "400"],
  ["CL, signed", head("Content-Length: +0") + SMUGGLED, "400"],
  ["CL, negative", head("Content-Length: -1") + SMUGGLED, "400"],
  ["CL, hexadecimal", head("Content-Length: 0x0") + SMUGGLED, "400"],
  ["CL, no number", head("Content-Length: a") + SMUGGLED, "400"],
  ["CL, too large", head("Content-Length: 99999999999999999999") + SMUGGLED, "400"],
  [
    "chunk size, too large",
    head("Transfer-Encoding: chunked") + `fffffffffffffffff\r\n${SMUGGLED}`,
    "refused",
  ],
  ["chunk size, signed", head("Transfer-Encoding: chunked") + `+0\r\n\r\n${SMUGGLED}`, "refused"],
  [
    "chunk without its end",
    head("Transfer-Encoding: chunked") + `1\r\nxx0\r\n\r\n${SMUGGLED}`,
    "refused",
  ],
  ["bare CR in a header", head("X-A: a\rTransfer-Encoding: chunked") + SMUGGLED, "400"],
  ["NUL in a header", head("X-A: a\0b") + SMUGGLED, "400"],
  ["two Host", `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${SMUGGLED}`, "400"],
  ["HTTP/9.9", `GET / HTTP/9.9\r\nHost: h\r\n\r\n${SMUGGLED}`, "400"],
  ["CL.0, body unread", head(`Content-Length: ${SMUGGLED.length}`, "/unread") + SMUGGLED, "one"],
  ["CL.0, body read", head(`Content-Length: ${SMUGGLED.length}`) + SMUGGLED, "one"],
  [
    "chunked, body unread",
    head("Transfer-Encoding: chunked", "/unread") +
    `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    "one",
  ],
  [
    "GET with a body",
    `GET /unread HTTP/1.1\r\nHost: h\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    "one",
  ],
  [
    "HEAD with a body",
    `HEAD /unread HTTP/1.1\r\nHost: h\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    "one",
  ],
  [
    "a trailer named Host",
    head("Transfer-Encoding: chunked\r\nTrailer: Host") + `1\r\n1\r\n0\r\nHost: evil\r\n\r\n`,
    "one",
  ],
];

/** Sends bytes and a last request, and tells the answers and the paths that were served. */
async function send(
  bytes: string,
  through: (handler: Handler) => Promise<[number, AsyncDisposable]>,
) {
  const paths: string[] = [];
  const json = server((request: unknown) => Promise.resolve(request));
  const [port, running] = await through((request, info) => {
    const { pathname } = new URL(request.url);
    paths.push(pathname);
    return pathname !== "/" ? new Response("unread") : json(request, info);
  });
  await using _running = running;
  using raw = await Raw.connect(port);
  // What closes early does not take it all.
  await raw.write(bytes + LAST).catch(() => {});
  const text = await soon(raw.readAll());
  return {
    paths,
    statuses: [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status)),
  };
}

function direct(handler: Handler): Promise<[number, AsyncDisposable]> {
  const running = serve(handler, { listen: `${HOST}:0`, signals: [] });
  return Promise.resolve([running.addr.port, running]);
}

function behindProxy(handler: Handler): Promise<[number, AsyncDisposable]> {
  const origin = serve(handler, { listen: `${HOST}:0`, signals: [] });
  const front = serve(proxy(`http://${HOST}:${origin.addr.port}`), {
    listen: `${HOST}:0`,
    signals: [],
  });
  return Promise.resolve([front.addr.port, {
    [Symbol.asyncDispose]: async () => {
      await front.shutdown();
      await origin.shutdown();
    },
  }]);
}

for (const [name, bytes, outcome] of cases) {
  for (const through of [direct, behindProxy]) {
    Deno.test(`serve() ${through === direct ? "" : "behind proxy() "}smuggles nothing by ${name}`, async () => {
      const { paths, statuses } = await send(bytes, through);
      assert(!paths.includes("/smuggled"), `${paths}`);
      if (outcome === "400") assert.deepEqual(statuses, [400]);
      else if (outcome === "refused") assert(["", "400"].includes(statuses.join()), `${statuses}`);
      else {
        assert(paths.filter((path) => path !== "/last").length <= 1, `${paths}`);
        assert.equal(statuses.length, paths.length);
        assert.notEqual(statuses.length, 0);
      }
    });
  }
}

Deno.test("serve() answers two requests that come in one piece as two", async () => {
  const { paths, statuses } = await send(head("Content-Length: 1") + "1", direct);
  assert.deepEqual(paths, ["/", "/last"]);
  assert.deepEqual(statuses, [200, 200]);
});
