/** Which request is which. */
import { Refusal } from "./answer.js";

/** What is asked for. */
export type RouteName = "keys" | "wellKnown" | "version" | "send" | "inviteV1" | "inviteV2";

/** Paths, with `*` for what varies. */
const ROUTES: readonly { name: RouteName; method: "GET" | "PUT"; path: string }[] = [
  { name: "keys", method: "GET", path: "/_matrix/key/v2/server" },
  { name: "wellKnown", method: "GET", path: "/.well-known/matrix/server" },
  { name: "version", method: "GET", path: "/_matrix/federation/v1/version" },
  { name: "send", method: "PUT", path: "/_matrix/federation/v1/send/*" },
  { name: "inviteV1", method: "PUT", path: "/_matrix/federation/v1/invite/*/*" },
  { name: "inviteV2", method: "PUT", path: "/_matrix/federation/v2/invite/*/*" },
];

/** A request that there is an answer to. */
export interface Routed {
  name: RouteName;
  /** What stands in the path where it varies, decoded. */
  parameters: string[];
}

/**
 * Finds what is asked for.
 *
 * @param target The target of the request, percent-encoded; a query is passed over.
 * @throws Refusal 404 for other paths, 405 for other methods, 400 for escapes that mean nothing.
 * @see https://spec.matrix.org/v1.19/server-server-api/#unsupported-endpoints
 */
export function route(method: string, target: string, isServed: (name: RouteName) => boolean): Routed {
  const segments = (target.split("?", 1)[0] ?? "").split("/");
  for (const { name, method: wanted, path } of ROUTES) {
    const found = fit(path.split("/"), segments);
    if (found === undefined || !isServed(name)) continue;
    if (method !== wanted) {
      const reason = `${path} is asked for with ${wanted}, not with ${method}`;
      throw new Refusal(405, "M_UNRECOGNIZED", reason, { headers: { allow: wanted } });
    }
    return { name, parameters: found.map(decode) };
  }
  throw new Refusal(404, "M_UNRECOGNIZED", "this server does not know this path");
}

/** What stands for each `*`, if the path fits. */
function fit(pattern: readonly string[], segments: readonly string[]): string[] | undefined {
  const fits = pattern.every((part, at) => (part === "*" ? segments[at] !== "" : part === segments[at]));
  if (!fits || pattern.length !== segments.length) return undefined;
  return segments.filter((_, at) => pattern[at] === "*");
}

/** Taken apart first and decoded once then: a room ID may hold an escaped slash. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    const reason = `the path has ${JSON.stringify(segment)}, whose escapes are not those of UTF-8`;
    throw new Refusal(400, "M_INVALID_PARAM", reason, { cause });
  }
}
