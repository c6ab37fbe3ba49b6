/** DNS by `node:dns`. No records is an answer; that nobody can say is an error. */
import { lookup, Resolver } from "node:dns/promises";
import { type AddressesAnswer, hostError, type SrvRecord } from "../host.js";

/** How many aliases are followed. */
const MAX_ALIASES = 8;

/** Where to ask; undefined: the servers that the system asks. */
export type DnsServers = readonly string[] | undefined;

/** The SRV records of a name. */
export async function lookUpSrv(name: string, servers: DnsServers, signal: AbortSignal): Promise<SrvRecord[]> {
  const records = await query(servers, signal, (resolver) => resolver.resolveSrv(name));
  return records.map(({ priority, weight, port, name: target }) => ({ priority, weight, port, target }));
}

/** The addresses of a name, IPv4 first: it is there more often. */
export async function lookUpAddresses(
  name: string,
  servers: DnsServers,
  signal: AbortSignal,
): Promise<AddressesAnswer> {
  const [ipv4, ipv6, canonicalName] = await Promise.all([
    outcome(query(servers, signal, (resolver) => resolver.resolve4(name))),
    outcome(query(servers, signal, (resolver) => resolver.resolve6(name))),
    nameBehind(name, servers, signal),
  ]);
  const addresses = [ipv4, ipv6].flatMap((one) => one.records ?? []);
  // One kind is enough.
  if (addresses.length > 0) return { addresses, canonicalName };
  // The system knows names that are in no DNS, such as those of its hosts file, and knows them without one.
  const known = servers === undefined ? await local(name) : [];
  if (known.length > 0) return { addresses: known, canonicalName };
  // The kind that failed might have had some.
  if (ipv4.records === undefined) throw ipv4.thrown;
  if (ipv6.records === undefined) throw ipv6.thrown;
  return { addresses: [], canonicalName };
}

async function nameBehind(name: string, servers: DnsServers, signal: AbortSignal): Promise<string | undefined> {
  let behind: string | undefined;
  for (let hops = 0; hops < MAX_ALIASES; hops += 1) {
    const { records } = await outcome(query(servers, signal, (resolver) => resolver.resolveCname(behind ?? name)));
    if (records?.[0] === undefined) break;
    behind = records[0].replace(/\.$/, ""); // Deno leaves it there
  }
  return behind;
}

async function local(name: string): Promise<string[]> {
  const { records } = await outcome(lookup(name, { all: true, verbatim: true }));
  return records?.map(({ address }) => address) ?? [];
}

async function query<T>(
  servers: DnsServers,
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<T[]>,
): Promise<T[]> {
  // One for each question: a resolver cancels all of its questions at once.
  const resolver = new Resolver({ timeout: 4000, tries: 3 });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    return await ask(resolver);
  } catch (thrown) {
    if (isNone(thrown)) return [];
    const code = codeOf(thrown);
    const kind = code === "ETIMEOUT" ? "host_timed_out" : code === "ECONNREFUSED" ? "host_connection" : "host_failed";
    throw hostError(kind, `DNS gives no answer: ${(thrown as Error).message}`, thrown);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** No such name, or nothing of this kind. */
function isNone(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === "ENOTFOUND" || code === "ENODATA";
}

function codeOf(thrown: unknown): unknown {
  return (thrown as { code?: unknown }).code;
}

async function outcome<T>(promise: Promise<T[]>): Promise<{ records?: T[]; thrown?: unknown }> {
  try {
    return { records: await promise };
  } catch (thrown) {
    return { thrown };
  }
}
