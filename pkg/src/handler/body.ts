/** Bodies of requests, read no further than they may be long. */
import { Refusal } from "./answer.js";

/** The most bytes of a body: Synapse takes 200 times the size of an event, and so do we. */
export const MAX_BODY_BYTES = 200 * 65_536;

/**
 * Reads the body of a request.
 *
 * @throws Refusal 413 as soon as it is too long; 400 when it breaks off.
 */
export async function readBody(request: Request, signal: AbortSignal): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  // Some platforms do not know the bodies of requests as streams, whatever their types say.
  if ((request.body as unknown) === undefined) return checked(new Uint8Array(await request.arrayBuffer()));
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > MAX_BODY_BYTES) throw tooLarge();
      pieces.push(value);
    }
  } catch (thrown) {
    stop();
    if (thrown instanceof Refusal) throw thrown;
    throw new Refusal(400, "M_NOT_JSON", "the body of the request broke off", { cause: thrown });
  } finally {
    signal.removeEventListener("abort", stop);
  }
  signal.throwIfAborted();
  return joined(pieces, length);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_BODY_BYTES) throw tooLarge();
  return bytes;
}

function tooLarge(): Refusal {
  return new Refusal(413, "M_TOO_LARGE", `the body of a request may have ${MAX_BODY_BYTES} bytes`);
}
