/**
 * The host for browsers and workers, on `fetch`.
 *
 * @packageDocumentation
 */
import { invalidArgument } from "../errors.js";
import { type AddressesAnswer, type Host, hostError, type HttpsAnswer, type HttpsRequest, type SrvRecord } from "../host.js";
import { readOptions } from "../options.js";
import { readBody } from "./body.js";
import { askOverHttps } from "./dns-over-https.js";

/** `fetch`, where the program's types know it. */
export type Fetch = typeof globalThis extends { fetch: infer F } ? F : (url: string, init?: object) => Promise<object>;

/** Options of {@link browserHost}. */
export interface BrowserHostOptions {
  /**
   * A resolver that answers DNS questions as JSON over HTTPS, such as `"https://resolver.example/dns-query"`. It
   * learns of every server that is talked to, so there is none unless it is named; without one nothing can be
   * looked up.
   */
  dnsOverHttps?: string | undefined;
  /** Instead of the platform's `fetch`. */
  fetch?: Fetch | undefined;
}

/**
 * A host on `fetch`. A page may do less than a server, and its capabilities say so:
 * - the browser looks up the address by itself, so an address cannot be given, and none is refused;
 * - `Host` and the name in the certificate are those of the URL, so what a SRV record leads to cannot be reached
 *   (`host_unsupported`);
 * - redirects are followed, or are an error, but never seen;
 * - servers must allow requests from other origins (CORS). Most allow none over federation; the browser does not
 *   say whether that was why (`host_connection`).
 *
 * @throws FedproofError `invalid_option`.
 */
export function browserHost(options?: BrowserHostOptions): Host {
  const read = readOptions("browserHost", options, { dnsOverHttps: toUrl, fetch: toFetch });
  // Called by its name: as a method of another object it refuses.
  const load = (read.fetch ?? ((url, init) => fetch(url, init))) as typeof fetch;
  const resolver = read.dnsOverHttps;
  const dns = resolver !== undefined;
  return {
    ...(dns && {
      async srv(name, { signal }): Promise<SrvRecord[]> {
        const { records } = await askOverHttps(load, resolver, name, "SRV", signal);
        return records.map(readSrv);
      },
      async addresses(name, { signal }): Promise<AddressesAnswer> {
        const [ipv4, ipv6] = await Promise.all([
          askOverHttps(load, resolver, name, "A", signal),
          askOverHttps(load, resolver, name, "AAAA", signal),
        ]);
        return { addresses: [...ipv4.records, ...ipv6.records], canonicalName: ipv4.alias ?? ipv6.alias };
      },
    }),
    https: (request, { signal }) => makeRequest(load, request, signal),
    capabilities: { srv: dns, addresses: dns, address: false, names: false, redirects: false },
  };
}

async function makeRequest(load: typeof fetch, request: HttpsRequest, signal: AbortSignal): Promise<HttpsAnswer> {
  const host = request.connectHost;
  for (const [what, name] of [["Host header", nameOf(request.hostHeader)], ["TLS name", request.tlsName ?? host]] as const) {
    if (name.toLowerCase() === host.toLowerCase()) continue;
    throw hostError("host_unsupported", `fetch cannot connect to ${host} with the ${what} ${name}`);
  }
  const response = await loadOrSay(load, request, signal);
  if (response.type === "opaqueredirect") {
    throw hostError("host_unsupported", "the server redirects, and the browser does not say where to");
  }
  return {
    status: response.status,
    headers: [...response.headers],
    body: await readBody(response, request.maxBytes, signal),
  };
}

async function loadOrSay(load: typeof fetch, request: HttpsRequest, signal: AbortSignal): Promise<Response> {
  const { connectHost, port, target, method, headers, body, followRedirects } = request;
  const init: RequestInit = {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    redirect: followRedirects > 0 ? "follow" : "manual",
    // Nothing of the page's user goes along.
    credentials: "omit",
    referrerPolicy: "no-referrer",
    cache: "no-store",
    signal,
  };
  // The bytes of the module may be shared memory to the types, and never are.
  if (body !== undefined) init.body = body as Uint8Array<ArrayBuffer>;
  const authority = connectHost.includes(":") && !connectHost.startsWith("[") ? `[${connectHost}]` : connectHost;
  try {
    return await load(`https://${authority}:${port}${target}`, init);
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    throw hostError("host_connection", `${connectHost}:${port} gave no answer, or allows none to pages of other origins (CORS)`, thrown);
  }
}

/** A `Host` header without its port, which the URL has. */
function nameOf(header: string): string {
  const [, name] = /^(.*?)(?::\d+)?$/.exec(header) ?? [];
  return name?.replace(/^\[(.*)\]$/, "$1") ?? header;
}

function readSrv(data: string): SrvRecord {
  const [, priority, weight, port, target] = /^(\d+) (\d+) (\d+) (\S+)$/.exec(data.trim()) ?? [];
  if (target === undefined) throw hostError("host_failed", `the resolver's SRV record is none: ${data.slice(0, 100)}`);
  return { priority: Number(priority), weight: Number(weight), port: Number(port), target };
}

function toUrl(value: unknown, where: string): string {
  if (typeof value === "string" && value.startsWith("https://") && URL.canParse(value)) return value;
  throw invalidArgument(where, "an https: URL", value);
}

function toFetch(value: unknown, where: string): Fetch {
  if (typeof value !== "function") throw invalidArgument(where, "a function", value);
  return value as Fetch;
}
