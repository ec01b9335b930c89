import assert from "node:assert/strict";
import { FakeClock } from "@kit/endpoint/testing";
import type { DiscoveryEvent } from "../instancer.ts";
import { instancerContract, type InstancerHarness } from "../testing.ts";
import { eventually } from "../testdata/server_process.ts";
import { fileInstancer, type FileInstancerOptions } from "./instancer.ts";

/** Changes are seen by watching alone. */
const WATCHED: FileInstancerOptions = { pollMs: 600_000, debounceMs: 5, emptyGraceMs: 0 };
/** Changes are seen by reading now and then alone. */
const POLLED: FileInstancerOptions = {
  pollMs: 10,
  emptyGraceMs: 0,
  watch: () => ({ [Symbol.dispose]() {} }),
};

/** A folder, and an instancer on a file in it. */
async function scene(options: FileInstancerOptions, name = "instances.yaml") {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/${name}`;
  let instancer: ReturnType<typeof fileInstancer> | undefined;
  const events: DiscoveryEvent[] = [];
  return {
    folder,
    path,
    events,
    start() {
      instancer = fileInstancer(path, options);
      instancer.subscribe((event) => events.push(event));
      return instancer;
    },
    write: (text: string) => Deno.writeTextFile(path, text),
    async replace(text: string) {
      await Deno.writeTextFile(`${path}.new`, text);
      await Deno.rename(`${path}.new`, path);
    },
    last: () => events.at(-1)?.instances?.map(({ address }) => address).join(),
    error: () => events.at(-1)?.error?.message,
    async [Symbol.asyncDispose]() {
      await instancer?.[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

for (const [how, options] of Object.entries({ watching: WATCHED, polling: POLLED })) {
  Deno.test(`fileInstancer() sees a file written, replaced, removed and back, by ${how}`, async () => {
    await using file = await scene(options);
    await file.write("- a:80\n");
    file.start();
    await eventually(() => assert.equal(file.last(), "a:80"));
    await file.write("- a:80\n- b:80\n");
    await eventually(() => assert.equal(file.last(), "a:80,b:80"));
    await file.replace("- c:80\n");
    await eventually(() => assert.equal(file.last(), "c:80"));
    await Deno.remove(file.path);
    await eventually(() => assert.match(file.error()!, /instances.yaml" as it does not exist$/));
    await file.write("- c:80\n");
    await eventually(() => assert.equal(file.last(), "c:80"));
    await file.replace("[]");
    await eventually(() => assert.equal(file.last(), ""));
  });

  Deno.test(`fileInstancer() sees a ConfigMap's link led elsewhere, by ${how}`, async () => {
    await using file = await scene(options);
    const { folder } = file;
    for (const [version, text] of [["1", "- a:80\n"], ["2", "- b:80\n"]] as const) {
      await Deno.mkdir(`${folder}/..${version}`);
      await Deno.writeTextFile(`${folder}/..${version}/instances.yaml`, text);
    }
    await Deno.symlink("..1", `${folder}/..data`);
    await Deno.symlink("..data/instances.yaml", file.path);
    file.start();
    await eventually(() => assert.equal(file.last(), "a:80"));
    await Deno.symlink("..2", `${folder}/..data_tmp`);
    await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
    await Deno.remove(`${folder}/..1`, { recursive: true });
    await eventually(() => assert.equal(file.last(), "b:80"));
    assert(file.events.every(({ error }) => error === undefined));
  });
}

Deno.test("fileInstancer() keeps the last good set when the file breaks, and says where", async () => { // P9
  await using file = await scene(WATCHED);
  await file.write("- a:80\n");
  const instancer = file.start();
  await eventually(() => assert.equal(file.last(), "a:80"));
  await file.write("- a:80\n- b\n");
  await eventually(() => assert.match(file.error()!, /line 2 holds no address/));
  assert.equal(file.events.at(-1)?.source, `file:${file.path}`);
  assert.equal(instancer.status.state, "disconnected");
  assert.match(instancer.status.lastError!.message, /line 2/);
  const late: DiscoveryEvent[] = [];
  instancer.subscribe((event) => late.push(event));
  assert.deepEqual(late[0]?.instances, [{ address: "a:80" }]);
  await file.write("- a:80\n");
  await eventually(() => assert.equal(file.last(), "a:80"));
  assert.equal(instancer.status.state, "connected");
});

Deno.test("fileInstancer() takes an emptied file for broken, not for an empty set", async () => { // P9
  await using file = await scene(WATCHED);
  await file.write("- a:80\n");
  file.start();
  await eventually(() => assert.equal(file.last(), "a:80"));
  await file.write("");
  await eventually(() => assert.match(file.error()!, /is no list/));
});

Deno.test("fileInstancer() waits for a file, and for a folder, that are not there yet", async () => {
  await using file = await scene(POLLED, "later/instances.json");
  file.start();
  await eventually(() => assert.match(file.error()!, /does not exist/));
  await Deno.mkdir(`${file.folder}/later`);
  await file.write('[{ "targets": ["a:80"] }]');
  await eventually(() => assert.equal(file.last(), "a:80"));
});

Deno.test("fileInstancer() works with a folder that cannot be watched", async () => {
  await using file = await scene({ ...WATCHED, pollMs: 10 }, "later/instances.json");
  file.start();
  await Deno.mkdir(`${file.folder}/later`);
  await file.write("- a:80");
  await eventually(() => assert.equal(file.last(), "a:80"));
});

Deno.test("fileInstancer() refuses a file over its limit", async () => {
  await using file = await scene({ ...WATCHED, maxBytes: 8 });
  await file.write("- a:8080");
  file.start();
  await eventually(() => assert.equal(file.last(), "a:8080"));
  await file.write("- a:8080 ");
  await eventually(() => assert.match(file.error()!, /more than 8 bytes$/));
});

Deno.test("fileInstancer() refuses a folder, a pipe, and what is not in UTF-8", async () => {
  await using file = await scene(POLLED); // A pipe stalls the watchers of Deno 2.9.
  await Deno.mkdir(file.path);
  file.start();
  await eventually(() => assert.match(file.error()!, /as it is no file$/));
  await Deno.remove(file.path);
  await eventually(() => assert.match(file.error()!, /does not exist$/));
  await new Deno.Command("mkfifo", { args: [file.path] }).output();
  await eventually(() => assert.match(file.error()!, /as it is no file$/));
  await Deno.remove(file.path);
  await Deno.writeFile(file.path, Uint8Array.of(0x2d, 0x20, 0xff));
  await eventually(() => assert.match(file.error()!, /not in UTF-8$/));
});

Deno.test("fileInstancer() reads once for changes within the debounce, and the last of them", async () => {
  const clock = new FakeClock();
  let change = () => {};
  const watch: FileInstancerOptions["watch"] = (_, onChange) => {
    change = onChange;
    return { [Symbol.dispose]() {} };
  };
  await using file = await scene({ watch, clock });
  await file.write("- a:80\n");
  const instancer = file.start();
  await eventually(() => assert.equal(file.last(), "a:80"));
  await eventually(() => assert.equal(clock.pending, 1)); // The next regular read.
  await file.write("-");
  change();
  await clock.advance(99);
  assert.equal(clock.pending, 2);
  await file.write("- b:80\n");
  change();
  await clock.advance(1);
  await eventually(() => assert.equal(file.last(), "b:80"));
  assert.equal(file.events.length, 2);
  await eventually(() => assert.equal(clock.pending, 1));
  change();
  assert.equal(clock.pending, 2);
  await instancer[Symbol.asyncDispose]();
  change();
  assert.equal(clock.pending, 0);
});

Deno.test("fileInstancer() reads every 5 s although nothing is told", async () => {
  const clock = new FakeClock();
  await using file = await scene({ clock, watch: () => ({ [Symbol.dispose]() {} }) });
  await file.write("- a:80\n");
  file.start();
  await eventually(() => assert.equal(clock.pending, 1));
  await file.write("- b:80\n");
  await clock.advance(4999);
  assert.equal(file.last(), "a:80");
  await clock.advance(1);
  await eventually(() => assert.equal(file.last(), "b:80"));
});

Deno.test("fileInstancer() holds the last set through an emptied list, for the grace time", async () => { // P9
  const clock = new FakeClock();
  await using file = await scene({ clock, watch: () => ({ [Symbol.dispose]() {} }), pollMs: 1000 });
  await file.write("- a:80\n");
  file.start();
  await eventually(() => assert.equal(clock.pending, 1));
  await file.write("[]");
  await clock.advance(1000);
  await eventually(() => assert.equal(clock.pending, 2));
  assert.equal(file.last(), "a:80");
  for (let s = 0; s < 31; s++) {
    await clock.advance(1000);
    await eventually(() => assert(clock.pending > 0));
  }
  assert.equal(file.last(), "");
});

Deno.test("fileInstancer() disposed of at once reads and tells nothing more", async () => {
  await using file = await scene(WATCHED);
  await file.write("- a:80\n");
  const instancer = file.start();
  await instancer[Symbol.asyncDispose]();
  await instancer[Symbol.asyncDispose]();
  assert.deepEqual(file.events, []);
  assert.equal(instancer.status.state, "closed");
});

for (
  const options of [{ debounceMs: -1 }, { pollMs: 0 }, { maxBytes: 0.5 }, { emptyGraceMs: NaN }]
) {
  Deno.test(`fileInstancer() refuses ${Object.entries(options)}`, () => {
    assert.throws(() => fileInstancer("x.yaml", options), RangeError);
  });
}

async function harness(): Promise<InstancerHarness> {
  const file = await scene(WATCHED);
  let last: readonly string[] = [];
  const set = (addresses: readonly string[]) => file.replace(JSON.stringify(last = addresses));
  await set([]);
  return {
    instancer: file.start(),
    set,
    fail: () => file.write("- {"),
    recover: () => set(last),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
for (const { name, run } of instancerContract(harness)) {
  Deno.test(`fileInstancer() keeps the contract: ${name}`, run);
}
