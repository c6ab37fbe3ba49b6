// A server for `/.well-known/matrix/server` of several host names.
import { serve } from "./server.mjs";

/**
 * Starts the server. `answers` says what each host name answers: an object is sent as JSON, a function is called
 * with the `Request` and gives the `Response`. The certificate is valid for these names.
 *
 * It listens on a free port, not on 443: who is under test must be told to go there instead.
 *
 * @returns {Promise<import("./server.mjs").TlsServer>}
 */
export async function startWellKnown(answers, { authority }) {
  const handler = async (request) => {
    const { hostname, pathname } = new URL(request.url);
    const found = pathname === "/.well-known/matrix/server" ? answers[hostname] : undefined;
    if (found === undefined) return new Response("not found", { status: 404 });
    return typeof found === "function" ? found(request) : Response.json(found);
  };
  return serve(handler, { authority, names: Object.keys(answers) });
}
