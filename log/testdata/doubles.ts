/**
 * Doubles for the tests of the sinks.
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { type SinkClock, type WriterSink, writerSink, type WriterSinkOptions } from "@kit/log";

/** Time that stands still until it is moved. */
export class ManualClock implements SinkClock {
  time = 0;
  readonly timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.time;
  }

  after(delayMs: number, callback: () => void): Disposable {
    const timer = { at: this.time + delayMs, callback };
    this.timers.add(timer);
    return { [Symbol.dispose]: () => void this.timers.delete(timer) };
  }

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await setImmediate();
      const due = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.time = Math.max(this.time, due.at);
      this.timers.delete(due);
      due.callback();
    }
    this.time = end;
  }
}

/** A target that takes, stalls or refuses as the test says. */
export class Target {
  text = "";
  writes = 0;
  mode: "take" | "stall" | "refuse" | "throw" | "nothing" = "take";
  /** The most bytes of one write. */
  most = Infinity;
  #release: (() => void) | undefined;

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    if (this.mode === "stall") {
      await new Promise<void>((resolve) => this.#release = resolve);
    }
    return this.writeSync(bytes);
  }

  writeSync(bytes: Uint8Array): number {
    if (this.mode === "refuse") throw Object.assign(new Error("full"), { code: "ENOSPC" });
    if (this.mode === "nothing") return 0;
    const part = bytes.subarray(0, this.most);
    this.text += new TextDecoder().decode(part);
    return part.length;
  }

  release(): void {
    this.mode = "take";
    this.#release?.();
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

/** A sink with both. */
export function setup(
  options: WriterSinkOptions = {},
): { clock: ManualClock; target: Target; sink: WriterSink } {
  const clock = new ManualClock();
  const target = new Target();
  return { clock, target, sink: writerSink(target, { clock, ...options }) };
}
