/** What somebody can do about a failure: the admin of the other server, or the person who asked. */

type Evidence = Record<string, unknown>;
type Hint = string | ((evidence: Evidence) => string);

/** Hints for a code, most useful first; none where the message says it all. */
export function hintsFor(code: string, evidence: Evidence): string[] {
  const failures = Array.isArray(evidence["failures"]) ? (evidence["failures"] as Evidence[]) : [];
  const codes = [code, ...failures.map((failure) => String(failure["code"]))];
  return [...new Set(codes)].flatMap((one) => {
    const hint = Object.hasOwn(HINTS, one) ? HINTS[one] : undefined;
    if (hint === undefined) return [];
    return [typeof hint === "string" ? hint : hint(evidence)].filter((text) => text !== "");
  });
}

const HINTS: Readonly<Record<string, Hint>> = {
  discovery_no_addresses:
    "The name must have an A or AAAA record, or say where its server is: by a document at " +
    'https://NAME/.well-known/matrix/server ({"m.server": "matrix.example.org:443"}), or by an SRV record ' +
    "_matrix-fed._tcp.NAME. An A record of the web server alone does not help if federation is elsewhere.",
  discovery_srv_not_offered:
    'An SRV record with the target "." says on purpose that there is no such service. Take the record away, or ' +
    "name the server in it.",
  discovery_srv_unusable: "The target of an SRV record must be a host name with an address, and the port above 0.",
  discovery_srv_unsettled:
    "The name server failed, which is not the same as “no such record”: going on could lead to another server " +
    "than the one that was meant. Look at the zone (a broken delegation, DNSSEC), or ask another DNS server with --dns.",
  discovery_addresses_unsettled:
    "The name server failed, which is not the same as “no such name”. Look at the zone (a broken delegation, " +
    "DNSSEC), or ask another DNS server with --dns.",
  discovery_timed_out: "Some DNS or web server on the way answers slowly or not at all; the times stand in the ladder above.",
  host_address_forbidden:
    "Private, loopback and link-local addresses are refused: what others publish must not lead into this network. " +
    "In a test set-up, --allow-address CIDR permits them. On the internet, the DNS of the name is wrong.",
  host_unreachable:
    "Nobody listens there, or a firewall refuses it. Without a .well-known document or an SRV record, federation " +
    "is on port 8448.",
  host_timed_out: "A firewall may drop the packets, or the server is overloaded.",
  host_tls: ({ is_shown }) =>
    "The certificate must be for the server name, or the delegate that its .well-known document names, by an " +
    "authority that is trusted; an SRV record changes nothing about that. In a test set-up, --ca FILE names the authority." +
    (is_shown === true ? "" : " “fedproof resolve NAME” shows the certificate."),
  host_connection: "Something listens there that does not speak HTTPS, or it hung up.",
  remote_unauthorized:
    "The server does not believe that the request is ours. It looks our key up by our server name: does " +
    "“fedproof keys OUR-NAME” show the key of --key? It may also hold an older one until that is no longer valid: " +
    "a new key needs a new key ID.",
  remote_forbidden:
    "A server tells about a room only to servers that are in it, even where its history is world readable: that " +
    "is for clients. Join first: fedproof join ROOM --via NAME --user @me:OUR-NAME --key FILE --save room.json. " +
    "A room that is by invitation has to invite the user before; the server may also be banned (m.room.server_acl).",
  remote_not_found: ({ status }) =>
    status === undefined ? "" : "The server does not have it. Is there no typing error in the ID, and is the server in the room?",
  remote_unrecognized: "The server does not know this endpoint, or a proxy in front of it does not pass /_matrix on.",
  remote_rate_limited: "The server asks for patience: try again later.",
  remote_incompatible_room_version: "The room has a version that this release of fedproof does not know.",
  remote_unable_to_authorise_join:
    "The room is restricted to members of other rooms, and this server cannot tell who is in those: try --via another.",
  remote_unable_to_grant_join: "This server may not let others into the restricted room: try --via another.",
  key_response_unsigned: "The answer must be signed by each key that it lists (at least one): a proxy or cache may have changed it.",
  signature_key_missing: "Without that key nothing by the server can be proven; --notary NAME asks another server for it.",
  server_left_alone: "It failed a moment ago.",
};
