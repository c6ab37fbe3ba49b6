/** Bodies of requests, read no further than they may be long. */
import { Refusal } from "./answer.js";

/** The most bytes of a body: Synapse takes 200 times the size of an event, and so do we. */
export const MAX_BODY_BYTES = 200 * 65_536;

/** How much of bodies is held at once: nobody has to prove who they are to have a body read. */
const MOST_AT_ONCE = 8 * MAX_BODY_BYTES;

/** The bodies that are held. */
export class Bodies {
  #held = 0;

  /** What one request takes of it. */
  share(): BodyShare {
    let mine = 0;
    return {
      take: (bytes) => {
        if (this.#held + bytes > MOST_AT_ONCE) throw tooBusy();
        mine += bytes;
        this.#held += bytes;
        return mine;
      },
      giveBack: () => {
        this.#held -= mine;
        mine = 0;
      },
    };
  }
}

export interface BodyShare {
  /** Takes some bytes more; gives how many it has then. @throws Refusal 429 when too much is held. */
  take(bytes: number): number;
  giveBack(): void;
}

/** There is too much to do just now. */
export function tooBusy(): Refusal {
  const more = { headers: { "retry-after": "1" }, members: { retry_after_ms: 1000 } };
  return new Refusal(429, "M_LIMIT_EXCEEDED", "this server has too much to do just now", more);
}

/**
 * Reads the body of a request.
 *
 * @throws Refusal 413 as soon as it is too long; 400 when it breaks off; 429.
 */
export async function readBody(request: Request, share: BodyShare, signal: AbortSignal): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  // Some platforms do not know the bodies of requests as streams, whatever their types say.
  if ((request.body as unknown) === undefined) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (share.take(bytes.length) > MAX_BODY_BYTES) throw tooLarge();
    return bytes;
  }
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
      length = share.take(value.length);
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

function tooLarge(): Refusal {
  return new Refusal(413, "M_TOO_LARGE", `the body of a request may have ${MAX_BODY_BYTES} bytes`);
}
