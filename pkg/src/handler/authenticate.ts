/** Who makes a request. */
import type { Federation } from "../federation.js";
import { verifyRequest } from "../request-auth.js";
import { Refusal } from "./answer.js";
import type { Deadline } from "./limits.js";

/** A request, as far as it is signed. */
export interface SignedRequestParts {
  method: string;
  /** Path and query. */
  target: string;
  /** The target is as it was received, not as `Request` has written it anew. */
  isRaw: boolean;
  authorization: string | null;
  body: Uint8Array | undefined;
}

/**
 * The server that made a request. Keys that are missing are asked for once.
 *
 * @throws Refusal What to answer when that is not proven.
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export async function authenticate(
  parts: SignedRequestParts,
  federation: Federation,
  now: () => number,
  deadline: Deadline,
): Promise<string> {
  const { method, target: uri, authorization, body } = parts;
  const judge = () =>
    verifyRequest({ method, uri, authorization, body, serverName: federation.serverName, keys: federation.keys, now: now() });
  let judged = judge();
  if (judged.outcome === "incomplete") {
    const validUntilTs = now();
    const wanted = judged.missing.map(({ server, key_id }) => ({ serverName: server, keyId: key_id, validUntilTs }));
    await deadline.ask((limits) => federation.queryKeys(wanted, limits));
    judged = judge();
  }
  if (judged.outcome === "accepted") return judged.origin;
  const { status = 401, errcode, reason, code } = judged;
  const rewritten = code === "signature_invalid" && !parts.isRaw;
  const hint = `; it was checked for ${uri}, as it stands in request.url, which may have been written anew on the way`;
  throw new Refusal(status, errcode, rewritten ? reason + hint : reason);
}
