/** Bodies of `fetch`, read no further than asked for. */
import { hostError } from "../host.js";

/** The bytes of a body. @throws FedproofError `host_answer_too_large`, `host_connection`. */
export async function readBody(response: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > maxBytes) throw hostError("host_answer_too_large", `the answer has more than ${maxBytes} bytes`);
      chunks.push(value);
    }
  } catch (thrown) {
    // The rest is not wanted; that the stream may be broken already changes nothing.
    reader.cancel().catch(() => {});
    if (signal.aborted || (thrown as { code?: unknown }).code === "host_answer_too_large") throw thrown;
    throw hostError("host_connection", "the connection broke before the end of the answer", thrown);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
