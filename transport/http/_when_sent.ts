/**
 * Tells when a response is complete, and how long its body was.
 * @module
 */

/**
 * Calls back once the body of a response has been sent or given up.
 * @param response The response.
 * @param completed Settles when the host has handed the response over, if it tells.
 * @param done What to call, with the bytes of the body; it must not throw.
 * @returns The response to send in place of the one given.
 */
export function whenSent(
  response: Response,
  completed: Promise<void> | undefined,
  done: (size: number) => void,
): Response {
  let size = 0;
  const finish = once(() => done(size));
  const { body } = response;
  if (body === null) {
    (completed ?? Promise.resolve()).then(finish, finish);
    return response;
  }
  const reader = body.getReader();
  const counted = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          controller.close();
          finish();
        } else {
          size += value.length;
          controller.enqueue(value);
        }
      } catch (error) {
        finish();
        throw error;
      }
    },
    async cancel(reason) {
      finish();
      await reader.cancel(reason);
    },
  });
  return new Response(counted, response);
}

function once(callback: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    callback();
  };
}
