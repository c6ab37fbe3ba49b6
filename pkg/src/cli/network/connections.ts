/** Tries to connect to each place that a server name leads to. */
import type { NodeHost } from "../../hosts/node.js";
import { FedproofError, type Resolution } from "../../index.js";
import { isObject } from "../event-files.js";
import { type Certificate, certificateAt } from "./certificate.js";

/** What came of one place. */
export interface Connection {
  host: string;
  address: string;
  port: number;
  /** It answered as a homeserver does. */
  answers: boolean;
  /** This machine has no way to such addresses, which says nothing of the server. */
  out_of_reach?: true;
  took_ms: number;
  status?: number;
  /** The software that the server says it runs. */
  name?: string;
  version?: string;
  certificate?: Certificate;
  code?: string;
  message?: string;
}

const VERSION = "/_matrix/federation/v1/version";
const MOST_BYTES = 64 * 1024;
const TIME_LIMIT = 15_000;

/** All places, in the order in which they are to be tried; each is, whatever becomes of the others. */
export async function tryAll(
  resolution: Resolution,
  host: NodeHost,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Connection[]> {
  return Promise.all(resolution.candidates.map((candidate) => tryOne(resolution, candidate, { host, ca, signal })));
}

async function tryOne(
  { host_header: hostHeader, tls_name: tlsName }: Resolution,
  { host: name, address = name, port }: Resolution["candidates"][number],
  { host, ca, signal }: { host: NodeHost; ca: string | undefined; signal: AbortSignal },
): Promise<Connection> {
  const since = performance.now();
  const place = { host: name, address, port };
  const request = {
    connectHost: name,
    address,
    port,
    hostHeader,
    tlsName,
    method: "GET",
    target: VERSION,
    headers: [["accept", "application/json"]] as const,
    body: undefined,
    maxBytes: MOST_BYTES,
    timeLimit: TIME_LIMIT,
    followRedirects: 0,
  };
  const took = (): { took_ms: number } => ({ took_ms: Math.round(performance.now() - since) });
  const certificate = async (): Promise<{ certificate?: Certificate }> => {
    const shown = await certificateAt({ address, port, tlsName, ca }, signal);
    return shown === undefined ? {} : { certificate: shown };
  };
  try {
    const { status, body } = await host.https(request, { signal });
    const answer = { ...place, ...took(), status };
    const software = status === 200 ? softwareIn(body) : undefined;
    const shown = await certificate();
    if (software !== undefined) return { ...answer, answers: true, ...software, ...shown };
    const message = status === 200 ? "what answers is no homeserver: its answer to /version is not of the kind" : refusal(status);
    return { ...answer, answers: false, ...shown, code: "remote_failed", message };
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof FedproofError)) throw thrown;
    const { code, message, cause } = thrown;
    const shown = code === "host_tls" ? await certificate() : {};
    const failed = { ...place, ...took(), answers: false, ...shown, code, message };
    return isNoWay(address, cause) ? { ...failed, out_of_reach: true } : failed;
  }
}

function softwareIn(body: Uint8Array): { name?: string; version?: string } | undefined {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    const server: unknown = isObject(answer) ? (answer["server"] ?? {}) : undefined;
    if (!isObject(server)) return undefined;
    const { name, version } = server;
    return { ...(typeof name === "string" && { name }), ...(typeof version === "string" && { version }) };
  } catch {
    return undefined;
  }
}

function refusal(status: number): string {
  if (status >= 300 && status < 400) return `${VERSION} is redirected (${status}), which no server follows`;
  return `${VERSION} is answered with ${status}`;
}

/** A machine without IPv6 cannot say of it that it is broken. */
function isNoWay(address: string, cause: unknown): boolean {
  const { code } = (cause ?? {}) as { code?: unknown };
  return address.includes(":") && (code === "ENETUNREACH" || code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT");
}
