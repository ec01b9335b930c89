/**
 * The two formats of a stream in a body: newline-delimited JSON and Server-Sent Events.
 * @module
 */
import { KitError } from "@kit/endpoint";
import {
  END_FRAME,
  errorJson,
  type Frame,
  itemJson,
  parseError,
  parseFrame,
  parseItem,
} from "./_frame.ts";
import { LineSplitter } from "./_lines.ts";

/** The name of a format. */
export type StreamFormat = "ndjson" | "sse";

/** Writes the pieces of a stream. */
export interface FrameWriter {
  readonly contentType: string;
  item(item: unknown): string;
  readonly end: string;
  error(error: unknown): string;
  /** What a reader passes over. */
  readonly heartbeat: string;
}

/** Reads the pieces of a stream. */
export interface FrameReader {
  /** Takes a piece of the body; throws a `KitError` where it is not of the format. */
  push(piece: Uint8Array): Frame[];
}

/** The content types, by format. */
export const CONTENT_TYPES: Readonly<Record<StreamFormat, string>> = {
  ndjson: "application/x-ndjson",
  sse: "text/event-stream",
};

/** Writes one frame a line. */
export const ndjsonWriter: FrameWriter = {
  contentType: CONTENT_TYPES.ndjson,
  item: (item) => `{"item":${itemJson(item)}}\n`,
  end: `{"end":true}\n`,
  error: (error) => `{"error":${errorJson(error)}}\n`,
  heartbeat: "\n",
};

/** Writes one event a frame; `idOf` and `retryMs` are those of the server's options. */
export function sseWriter(
  idOf: ((item: unknown) => string | undefined) | undefined,
): FrameWriter {
  return {
    contentType: CONTENT_TYPES.sse,
    item(item) {
      const id = idOf?.(item);
      return `${id === undefined ? "" : `id: ${checkedId(id)}\n`}data: ${itemJson(item)}\n\n`;
    },
    end: "event: end\ndata: true\n\n",
    error: (error) => `event: error\ndata: ${errorJson(error)}\n\n`,
    heartbeat: ":\n\n",
  };
}

function checkedId(id: string): string {
  // A line break would end the field, and a reader passes over an id with a NUL.
  if (/[\r\n\0]/.test(id)) throw new KitError("internal", "Cannot send id as it is not one line");
  return id;
}

/** Makes the reader of a format. An item may have `maxBytes`. */
export function frameReader(format: StreamFormat, maxBytes: number): FrameReader {
  return format === "sse" ? new SseReader(maxBytes) : new NdjsonReader(maxBytes);
}

class NdjsonReader implements FrameReader {
  readonly #lines: LineSplitter;

  constructor(maxBytes: number) {
    this.#lines = new LineSplitter(maxBytes, { isCrAnEnd: false });
  }

  push(piece: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (const line of this.#lines.push(piece)) {
      // A blank line is a heartbeat.
      if (line.trim() !== "") frames.push(parseFrame(line));
    }
    return frames;
  }
}

/** Reads events as the HTML standard, section 9.2.6, has them interpreted. */
class SseReader implements FrameReader {
  readonly #maxBytes: number;
  readonly #lines: LineSplitter;
  #isFirst = true;
  #event = "";
  #data: string[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#lines = new LineSplitter(maxBytes, { isCrAnEnd: true });
  }

  push(piece: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (let line of this.#lines.push(piece)) {
      if (this.#isFirst) {
        this.#isFirst = false;
        if (line.startsWith("\uFEFF")) line = line.slice(1);
      }
      const frame = line === "" ? this.#dispatch() : this.#field(line);
      if (frame !== undefined) frames.push(frame);
    }
    return frames;
  }

  #field(line: string): undefined {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    if (name !== "data" && name !== "event") return;
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "event") {
      this.#event = value;
      return;
    }
    this.#size += value.length + 1;
    if (this.#size > this.#maxBytes) {
      throw new KitError(
        "resource_exhausted",
        `Cannot read item as it has more than ${this.#maxBytes} bytes`,
      );
    }
    this.#data.push(value);
  }

  #dispatch(): Frame | undefined {
    const event = this.#event;
    const data = this.#data;
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    if (data.length === 0) return undefined;
    const text = data.join("\n");
    if (event === "" || event === "message") return { type: "item", item: parseItem(text) };
    if (event === "end") return END_FRAME;
    if (event === "error") return { type: "error", error: parseError(parseItem(text)) };
    // Events of other names are not of this stream.
    return undefined;
  }
}

/**
 * Chooses the format that an `Accept` header asks for: Server-Sent Events where it names them no
 * later in its preference than newline-delimited JSON, else the latter.
 */
export function acceptedFormat(accept: string | null): StreamFormat {
  if (accept === null || !accept.toLowerCase().includes(CONTENT_TYPES.sse)) return "ndjson";
  const sse = qualityOf(accept, CONTENT_TYPES.sse);
  return sse > 0 && sse >= qualityOf(accept, CONTENT_TYPES.ndjson) ? "sse" : "ndjson";
}

function qualityOf(accept: string, type: string): number {
  for (const range of accept.toLowerCase().split(",")) {
    const [name, ...parameters] = range.split(";").map((part) => part.trim());
    if (name !== type) continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    return q === undefined ? 1 : Number(q.slice(2)) || 0;
  }
  return 0;
}

/** Tells the format of a body by its content type. */
export function formatOf(contentType: string | null): StreamFormat | undefined {
  const type = contentType?.split(";", 1).at(0)?.trim().toLowerCase();
  if (type === CONTENT_TYPES.sse) return "sse";
  return type === CONTENT_TYPES.ndjson ? "ndjson" : undefined;
}
