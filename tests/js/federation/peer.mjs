// A server of our own in a federation under test: a name, a key, a TLS listener that publishes the key, and
// signed requests to others.
import { SigningKey, signJson } from "fedproof";
import { hostOf } from "./https.mjs";
import { serve } from "./server.mjs";

const DAY = 24 * 60 * 60 * 1000;
const KEYS = "/_matrix/key/v2/server";

/**
 * Starts the server.
 *
 * @param options
 * - `authority`: who signs its certificate
 * - `serverName`: without it `localhost:` and its port, a name everybody on this machine can resolve
 * - `names`: what its certificate is valid for; without it the host of its server name
 * - `key`: its signing key; without it a new one
 * - `handler`: `(Request) => Promise<Response | undefined>`; what it leaves open, the peer answers: its keys, and
 *   404 `M_UNRECOGNIZED` to all else
 * @returns {Promise<Peer>}
 */
export async function startPeer({ authority, serverName, names, key = SigningKey.generate(), handler = noHandler }) {
  const answer = async (request) => (await handler(request)) ?? peer.answer(request);
  const server = await serve(answer, { authority, names: names ?? [hostOf(serverName ?? "localhost")] });
  const peer = new Peer({ serverName: serverName ?? `localhost:${server.port}`, key, server });
  return peer;
}

function noHandler() {}

export class Peer {
  #server;

  constructor({ serverName, key, server }) {
    this.serverName = serverName;
    this.key = key;
    this.port = server.port;
    this.#server = server;
  }

  /** What it was asked, as of `TlsServer`. */
  get requests() {
    return this.#server.requests;
  }

  /** The path of each request so far, without its query. */
  get paths() {
    return this.requests.map(({ path }) => path.split("?")[0]);
  }

  /** Its answer to `/_matrix/key/v2/server`, as JSON text. */
  keyResponse(validUntil = Date.now() + DAY) {
    const { keyId, publicKey } = this.key;
    const response = {
      server_name: this.serverName,
      valid_until_ts: validUntil,
      verify_keys: { [keyId]: { key: publicKey } },
      old_verify_keys: {},
    };
    return signJson(response, { serverName: this.serverName, key: this.key });
  }

  answer(request) {
    if (new URL(request.url).pathname !== KEYS) {
      return Response.json({ errcode: "M_UNRECOGNIZED", error: "not a path of the peer" }, { status: 404 });
    }
    return new Response(this.keyResponse(), { headers: { "content-type": "application/json" } });
  }

  /**
   * A request with the `Authorization: X-Matrix` header, to a `destination` that has a `serverName` and a `send`, as a
   * `Synapse` has. `body` is JSON text or what becomes it.
   */
  request(destination, method, path, body) {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const authorization = this.#authorization(destination, method, path, text);
    return destination.send({ method, path, body: text, headers: { authorization } });
  }

  async stop() {
    await this.#server.stop();
  }

  #authorization({ serverName: destination }, method, uri, text) {
    const origin = this.serverName;
    const about = JSON.stringify({ method, uri, origin, destination });
    // The content is put in as text: reading and writing it here could change it.
    const content = text === undefined ? "" : `,"content":${text}`;
    const signed = signJson(`${about.slice(0, -1)}${content}}`, { serverName: origin, key: this.key });
    const { [this.key.keyId]: signature } = JSON.parse(signed).signatures[origin];
    return `X-Matrix origin="${origin}",destination="${destination}",key="${this.key.keyId}",sig="${signature}"`;
  }
}
