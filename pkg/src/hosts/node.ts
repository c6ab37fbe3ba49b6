/**
 * The host for Node, and for Deno and Bun by their `node:` modules.
 *
 * @packageDocumentation
 */
import { isIP } from "node:net";
import { toLimit } from "../call-options.js";
import { FedproofError, invalidArgument } from "../errors.js";
import { type AddressesAnswer, type Host, hostError, type HttpsAnswer, type SrvRecord } from "../host.js";
import { readOptions, toBoolean } from "../options.js";
import { addressPolicy, toNetworks } from "./addresses.js";
import { lookUpAddresses, lookUpSrv } from "./node-dns.js";
import { HttpsClient } from "./node-https.js";

/** Options of {@link nodeHost}. */
export interface NodeHostOptions {
  /** Authorities that sign certificates, PEM, instead of those that the platform trusts. */
  ca?: string | readonly string[] | undefined;
  /**
   * Networks and addresses (`"10.0.0.0/8"`, `"::1"`) that may be connected to although they are private,
   * loopback, link-local or otherwise no place in the internet. By default none: what other servers publish
   * must not lead into the network that this one stands in.
   */
  allowAddresses?: readonly string[] | undefined;
  /** Take any certificate. Whoever sits on the line can then be any server: for tests alone. */
  insecure?: boolean | undefined;
  /**
   * How long a connection may take to come about, in milliseconds, before the next address is tried
   * (`host_unreachable`). By default 10 seconds.
   */
  connectTimeLimit?: number | undefined;
  /** DNS servers to ask (`"192.0.2.53"`, `"127.0.0.1:5353"`) instead of those that the system asks. */
  servers?: readonly string[] | undefined;
}

/** The host that {@link nodeHost} makes. */
export interface NodeHost extends Host {
  srv: NonNullable<Host["srv"]>;
  addresses: NonNullable<Host["addresses"]>;
  /** Closes the connections that are kept for further requests. They keep no process alive. */
  close(): void;
}

/**
 * A host on `node:https` and `node:dns`. It can do everything a host may do: looks up SRV records and
 * addresses, connects to the very address it is told, with `Host`, SNI and the name in the certificate as
 * told, and gives redirects back.
 *
 * Private, loopback and link-local addresses are refused when connecting, whatever name led there
 * (`host_address_forbidden`).
 *
 * @throws FedproofError `invalid_option`, `invalid_argument`.
 * @example
 * const host = nodeHost({ allowAddresses: ["10.1.0.0/16"] });
 */
export function nodeHost(options?: NodeHostOptions): NodeHost {
  const read = readOptions("nodeHost", options, {
    ca: toTexts,
    allowAddresses: toNetworks,
    insecure: toBoolean,
    connectTimeLimit: toLimit,
    servers: toServers,
  });
  const mayConnect = addressPolicy(read.allowAddresses ?? []);
  const client = new HttpsClient({
    ca: read.ca,
    insecure: read.insecure ?? false,
    connectTimeLimit: read.connectTimeLimit ?? CONNECT_TIME_LIMIT,
  });
  const look = (name: string, signal: AbortSignal): Promise<AddressesAnswer> =>
    isIP(name) ? Promise.resolve({ addresses: [name] }) : lookUpAddresses(name, read.servers, signal);
  return {
    srv: (name, { signal }): Promise<SrvRecord[]> => lookUpSrv(name, read.servers, signal),
    addresses: (name, { signal }) => look(name, signal),
    async https(request, { signal }): Promise<HttpsAnswer> {
      const found = request.address === undefined ? (await look(request.connectHost, signal)).addresses : [request.address];
      if (found.length === 0) throw hostError("host_unreachable", `${request.connectHost} has no address`);
      const address = found.find(mayConnect);
      if (address === undefined) {
        throw hostError("host_address_forbidden", `${found.join(", ")} is not allowed: it is no place in the internet`);
      }
      return client.request(request, address, signal);
    },
    close: () => client.close(),
  };
}

const CONNECT_TIME_LIMIT = 10_000;

function toTexts(value: unknown, where: string): string[] {
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  for (const text of texts) {
    if (typeof text !== "string" || !text.includes("-----BEGIN CERTIFICATE-----")) {
      throw invalidArgument(where, "certificates as PEM text", text);
    }
  }
  return [...(texts as string[])];
}

function toServers(value: unknown, where: string): string[] {
  const servers: unknown[] = Array.isArray(value) ? value : [value];
  const fits = servers.length > 0 && servers.every((server) => typeof server === "string" && isServer(server));
  if (!fits) {
    const expected = 'an array of IP addresses, with a port where it is not 53, such as "127.0.0.1:5353"';
    throw new FedproofError("invalid_argument", `${where} must be ${expected}`, { details: { argument: where, expected } });
  }
  return [...(servers as string[])];
}

function isServer(text: string): boolean {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]+)\]|([^\]:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = inBrackets ?? plain ?? text;
  return isIP(address) !== 0 && Number(port ?? 53) <= 65_535;
}
