/** Bodies of answers, read with a limit. */

/** The most bytes of one answer, or of one message of a stream: over 100,000 instances. */
export const MAX_BYTES = 32 * 1024 * 1024;

/** A body was longer than it may be. */
export class TooLongError extends Error {}

/** Reads a body whole. */
export async function readText(body: Body["body"], maxBytes = MAX_BYTES): Promise<string> {
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new TooLongError();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads a body line by line: all the lines that a chunk ends, together. */
export async function* readLines(
  body: Body["body"],
  maxBytes = MAX_BYTES,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let size = 0;
  let rest = "";
  for await (const chunk of body ?? []) {
    const text = decoder.decode(chunk, { stream: true });
    size += chunk.byteLength;
    if (size > maxBytes) throw new TooLongError();
    // Only the new text is searched, or a long line would be searched over and over.
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      rest += text;
      continue;
    }
    const lines = (rest + text.slice(0, end)).split("\n");
    rest = text.slice(end + 1);
    size = rest.length;
    yield lines.filter((line) => line.trim() !== "");
  }
}
