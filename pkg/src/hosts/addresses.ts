/** Which addresses a server may be made to connect to by what strangers publish. */
import { BlockList, isIP } from "node:net";
import { FedproofError } from "../errors.js";

/**
 * Networks that are no place in the internet: of this host or its neighbours, private, reserved, for
 * many. By IANA's registries of special-purpose addresses.
 */
const IPV4 = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // behind a carrier's NAT
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local, and where clouds keep secrets
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];
const IPV6 = [
  "::/96", // unspecified, loopback, IPv4-compatible
  "64:ff9b:1::/48", // NAT64 of a local network
  "100::/64", // discard
  "2001::/23", // protocol assignments, with Teredo
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20", // documentation
  "5f00::/16", // segment routing
  "fc00::/7", // private
  "fe80::/10", // link-local
  "fec0::/10", // site-local
  "ff00::/8", // multicast
];
/** Where an IPv4 address stands at the end of an IPv6 one: mapped, translated, and NAT64. */
const EMBEDDED = ["::ffff:", "::ffff:0:", "64:ff9b::"];

/** A network: an address alone, or `address/prefix`. */
interface Network {
  address: string;
  prefix: number;
  family: "ipv4" | "ipv6";
}

/** Says whether an address may be connected to. */
export type MayConnect = (address: string) => boolean;

/** Refuses what is no place in the internet, but for the networks in `allowed`. */
export function addressPolicy(allowed: readonly string[]): MayConnect {
  const forbidden = listOf([...IPV4, ...IPV6]);
  const exceptions = listOf(allowed);
  return (address) => {
    const family = familyOf(address);
    if (family === undefined) return false;
    return exceptions.check(address, family) || !forbidden.check(address, family);
  };
}

/** Networks as an argument. @throws FedproofError `invalid_argument`. */
export function toNetworks(value: unknown, where: string): string[] {
  const networks: unknown[] = Array.isArray(value) ? value : [undefined];
  for (const network of networks) {
    if (typeof network === "string" && parse(network) !== undefined) continue;
    const expected = 'an array of IP addresses and networks such as "10.0.0.0/8"';
    throw new FedproofError("invalid_argument", `${where} must be ${expected}`, { details: { argument: where, expected } });
  }
  return [...(networks as string[])];
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const network = parse(text);
    if (network === undefined) continue; // toNetworks has refused it
    const { address, prefix, family } = network;
    list.addSubnet(address, prefix, family);
    if (family === "ipv6") continue;
    for (const before of EMBEDDED) list.addSubnet(`${before}${address}`, 96 + prefix, "ipv6");
  }
  return list;
}

function parse(text: string): Network | undefined {
  const [, address = "", length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = familyOf(address);
  if (family === undefined) return undefined;
  const most = family === "ipv4" ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  return prefix <= most ? { address, prefix, family } : undefined;
}

/** Of an address as text; undefined for what is none, and for one with a zone. */
function familyOf(address: string): "ipv4" | "ipv6" | undefined {
  const version = address.includes("%") ? 0 : isIP(address);
  return version === 4 ? "ipv4" : version === 6 ? "ipv6" : undefined;
}
