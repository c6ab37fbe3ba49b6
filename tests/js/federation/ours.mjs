// A server of ours as a user of the package has it: a `Federation` over the Node host, and a listener beside it, which
// publishes our key, signs invites, and takes what is sent.
import { checkInvite, Federation, signEvent, verifyRequest } from "fedproof";
import { nodeHost } from "fedproof/hosts/node";
import { startPeer } from "./peer.mjs";

const INVITE = /^\/_matrix\/federation\/v2\/invite\/([^/]+)\/([^/]+)$/;
const SEND = "/_matrix/federation/v1/send/";

/**
 * Starts the server.
 *
 * @param options as of `startPeer`, and
 * - `dns`: a `Dns`, which the host asks
 * - `ports`: where the host goes instead of a port, such as `{ 443: wellKnown.port }`
 * - `notaries`: as of `Federation`
 * @returns {Promise<Ours>}
 */
export async function startOurs({ authority, dns, ports, notaries, ...options }) {
  const received = { pdus: [], edus: [], invites: [] };
  const peer = await startPeer({ authority, ...options, handler: (request) => ours.answer(request) });
  const host = redirected(nodeHost({ ca: authority.certificate, allowAddresses: ["127.0.0.0/8"], servers: dns && [dns.address] }), ports);
  const federation = new Federation({ serverName: peer.serverName, signingKey: peer.key, host, notaries });
  const ours = new Ours({ peer, host, federation, received });
  return ours;
}

/**
 * A host of one's own around another: what is to go to some ports goes elsewhere. `asked` has every request.
 */
export function redirected(host, ports = {}) {
  const asked = [];
  return {
    asked,
    srv: host.srv,
    addresses: host.addresses,
    https(request, options) {
      const { connectHost, address, port, hostHeader, tlsName, method, target } = request;
      asked.push({ connectHost, address, port, hostHeader, tlsName, method, target });
      return host.https({ ...request, port: ports[port] ?? port }, options);
    },
    close: () => host.close(),
  };
}

export class Ours {
  constructor({ peer, host, federation, received }) {
    this.peer = peer;
    this.host = host;
    this.federation = federation;
    this.serverName = peer.serverName;
    /** What other servers sent: `pdus` as text, `edus`, and `invites` as `checkInvite` judges them. */
    this.received = received;
  }

  /** A user of ours. */
  user(name) {
    return `@${name}:${this.serverName}`;
  }

  /** Signs an event. */
  sign(event, roomVersion) {
    return signEvent(event, { serverName: this.serverName, key: this.peer.key, roomVersion });
  }

  /** Makes an event in a room that we hold, takes it, and sends it; gives its text, the verdict and what `send` says. */
  async say(room, roomVersion, to, content) {
    const event = this.sign(room.draft(content), roomVersion);
    const [verdict] = room.add([event]);
    return { event, verdict, sent: await this.federation.send(to, { pdus: [event], roomVersion }) };
  }

  /** The answer to a request; nothing for what the peer answers itself. */
  async answer(request) {
    const { pathname, search } = new URL(request.url);
    const invite = INVITE.exec(pathname);
    if (!invite && !pathname.startsWith(SEND)) return undefined;
    const body = new Uint8Array(await request.arrayBuffer());
    const origin = await this.#origin(request, `${pathname}${search}`, body);
    if (origin === undefined) return Response.json({ errcode: "M_UNAUTHORIZED", error: "who are you?" }, { status: 401 });
    return invite ? this.#onInvite(invite, origin, body) : this.#onSend(body);
  }

  async stop() {
    this.host.close();
    await this.peer.stop();
  }

  /** Who makes a request. */
  async #origin(request, uri, body) {
    const { serverName, federation: { keys } } = this;
    const judge = () =>
      verifyRequest({ method: request.method, uri, body, serverName, keys, authorization: request.headers.get("authorization") });
    let judged = judge();
    if (judged.outcome === "incomplete") {
      await this.federation.queryKeys(judged.missing.map(({ server, key_id }) => ({ serverName: server, keyId: key_id })));
      judged = judge();
    }
    return judged.outcome === "accepted" ? judged.origin : undefined;
  }

  #onInvite([, room, event], origin, body) {
    const [roomId, eventId] = [room, event].map(decodeURIComponent);
    const { serverName, federation: { keys }, peer: { key } } = this;
    const judged = checkInvite(body, { serverName, origin, roomId, eventId, keys, key });
    this.received.invites.push(judged);
    if (judged.outcome === "accepted") return json(`{"event":${judged.event}}`);
    return Response.json({ errcode: judged.errcode, error: judged.reason }, { status: judged.status ?? 403 });
  }

  #onSend(body) {
    // Events are not parsed: a real server would lose what they are judged by.
    const { pdus = [], edus = [] } = JSON.parse(new TextDecoder().decode(body));
    this.received.pdus.push(...pdus.map((pdu) => JSON.stringify(pdu)));
    this.received.edus.push(...edus);
    return json('{"pdus":{}}');
  }
}

function json(text) {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
