// A TLS server on the loopback address in front of a handler of Fetch style, `(Request) => Promise<Response>`.
import { once } from "node:events";
import { createServer } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Starts the server. Its certificate is by `authority`, for `names` (host names and IP addresses).
 *
 * @returns {Promise<TlsServer>}
 */
export async function serve(handler, { authority, names, port = 0 }) {
  const server = createServer(authority.issue(names));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return new TlsServer(server, handler);
}

export class TlsServer {
  /** Every request so far: `method`, `path` (with query), the `host` header, and the `tlsName` (SNI) it came under. */
  requests = [];
  #server;

  constructor(server, handler) {
    this.#server = server;
    this.port = server.address().port;
    server.on("request", (incoming, outgoing) => this.#serve(handler, incoming, outgoing));
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #serve(handler, incoming, outgoing) {
    const { method, url: path, headers } = incoming;
    this.requests.push({ method, path, host: headers.host, tlsName: incoming.socket.servername || undefined });
    try {
      await answer(await handler(toRequest(incoming)), outgoing);
    } catch (error) {
      // A handler that throws is a failing test somewhere: say where it began.
      console.error(`${method} ${path}:`, error);
      outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(500).end();
    }
  }
}

function toRequest(incoming) {
  const { method, url, headers } = incoming;
  const hasBody = method !== "GET" && method !== "HEAD";
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new Request(`https://${headers.host}${url}`, {
    method,
    headers: lines,
    ...(hasBody ? { body: Readable.toWeb(incoming), duplex: "half" } : {}),
  });
}

async function answer(response, outgoing) {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body) await pipeline(Readable.fromWeb(response.body), outgoing);
  else outgoing.end();
}
