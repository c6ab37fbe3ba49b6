// HTTPS requests to servers on the loopback address, whatever their names are.
import { request } from "node:https";
import { isIP } from "node:net";

/**
 * One request. It goes to `port` of 127.0.0.1; the certificate must be by `ca` and valid for `tlsName`.
 *
 * @returns `{ status, headers, text, json() }`
 */
export function send({ port, tlsName, ca, agent, method = "GET", path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: "127.0.0.1",
      port,
      servername: isIP(tlsName) ? "" : tlsName, // TLS has no way to name an address
      ca,
      agent,
      method,
      path,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const parts = [];
      response.on("error", reject);
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) });
      });
    });
    sent.end(body);
  });
}

/** The host of a server name: what a certificate names, without port and brackets. */
export function hostOf(serverName) {
  return serverName.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}
