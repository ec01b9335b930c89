import assert from "node:assert/strict";
import { CLIENTS } from "./_lines.ts";
import { ratioLine, report } from "./_report.ts";

function seen(name: string, ...rounds: (readonly number[])[]) {
  return { line: CLIENTS.find((line) => line.name === name)!, rounds };
}

const ALL = [
  seen("grpc-js", [100, 200, 300], [50, 100, 150]),
  seen("kit", [120, 200, 270], [60, 100, 165]),
  seen("grpc-go", [1200, 400, 2700], [600, 200, 1500]),
];

Deno.test("report() compares to the first line within each round", () => {
  const text = report("client", ALL);
  assert.match(
    text,
    /^kit +Kit +90 +1\.20 \(1\.20-1\.20\) +150 +1\.00 \(1\.00-1\.00\) +218 +1\.00 \(0\.90-1\.10\)$/m,
  );
  assert.match(text, /^client +calls\/s, 1 +of grpc-js/);
});

Deno.test("ratioLine() says what Kit is of another line", () => {
  assert.equal(
    ratioLine(ALL, "grpc-go"),
    "kit / grpc-go: 0.10 (0.10-0.10) at 1, 0.50 (0.50-0.50) at 16, 0.11 (0.10-0.11) at 64",
  );
});
