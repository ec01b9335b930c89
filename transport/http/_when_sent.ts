/**
 * Tells when a response is complete, and how long its body was.
 * @module
 */

/**
 * Calls back once the body of a response has been read to its end or given up.
 * @param response The response.
 * @param done What to call, with the bytes of the body and the error of one that failed; it must not
 * throw.
 * @returns The response to send in place of the one given.
 */
export function whenSent(
  response: Response,
  done: (size: number, error?: unknown) => void,
): Response {
  const { body } = response;
  if (body === null) {
    whenHandedOver(() => done(0));
    return response;
  }
  let size = 0;
  let isDone = false;
  const finish = (error?: unknown): void => {
    if (isDone) return;
    isDone = true;
    done(size, error);
  };
  const reader = body.getReader();
  const counted = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) {
          size += value.length;
          controller.enqueue(value);
          return;
        }
      } catch (error) {
        finish(error);
        throw error;
      }
      controller.close();
      finish();
    },
    async cancel(reason) {
      finish();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(counted, response);
}

/**
 * Calls back when a response that is about to be returned has been. The host has not let go of its
 * request by then: later on, the request can no more be asked even for its URL.
 */
export function whenHandedOver(done: () => void): void {
  queueMicrotask(done);
}
