/** Answers to other servers. */

/** Why a request is not served, and what is answered. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly errcode: string,
    /** One sentence, which the other server is told. */
    reason: string,
    /** More headers, and more members of the answer. */
    readonly more: { headers?: Record<string, string>; members?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(reason, { cause: more.cause });
  }

  toResponse(): Response {
    const { status, errcode, message, more } = this;
    return answer(JSON.stringify({ errcode, error: message, ...more.members }), { status, headers: more.headers });
  }
}

/** An answer of JSON text. */
export function answer(
  json: string,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> | undefined } = {},
): Response {
  return new Response(json, { status, headers: { "content-type": "application/json", ...headers } });
}
