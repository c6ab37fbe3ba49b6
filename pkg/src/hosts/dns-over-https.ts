/** DNS questions over HTTPS, with answers in the JSON form that public resolvers give. */
import { hostError } from "../host.js";
import { readBody } from "./body.js";

/** The types of records that are asked for, by their numbers. */
const TYPES = { A: 1, AAAA: 28, SRV: 33 };
const CNAME = 5;

/** A DNS message has 65,535 bytes; as JSON some times as many. */
const MAX_BYTES = 500_000;

/** What is used of an answer. */
interface Message {
  Status?: unknown;
  Answer?: unknown;
}

/** The data of the records of a name, and the name behind its aliases. None is an answer. @throws FedproofError with a code of hosts. */
export async function askOverHttps(
  load: typeof fetch,
  resolver: string,
  name: string,
  type: keyof typeof TYPES,
  signal: AbortSignal,
): Promise<{ records: string[]; alias: string | undefined }> {
  const url = new URL(resolver);
  url.searchParams.set("name", name);
  url.searchParams.set("type", type);
  const message = await question(load, url.href, signal);
  // NOERROR and NXDOMAIN; everything else leaves the question open.
  if (message.Status !== 0 && message.Status !== 3) {
    throw hostError("host_failed", `the resolver answers ${name} with DNS status ${JSON.stringify(message.Status)}`);
  }
  const records: string[] = [];
  let alias: string | undefined;
  for (const record of Array.isArray(message.Answer) ? (message.Answer as unknown[]) : []) {
    const { type: number, data } = (record ?? {}) as { type?: unknown; data?: unknown };
    if (typeof data !== "string") continue;
    if (number === TYPES[type]) records.push(data);
    else if (number === CNAME) alias = data.replace(/\.$/, "");
  }
  return { records, alias };
}

async function question(load: typeof fetch, url: string, signal: AbortSignal): Promise<Message> {
  let response: Response;
  try {
    response = await load(url, { headers: { accept: "application/dns-json" }, credentials: "omit", referrerPolicy: "no-referrer", signal });
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    throw hostError("host_connection", "the resolver gave no answer", thrown);
  }
  if (!response.ok) throw hostError("host_failed", `the resolver answers with status ${response.status}`);
  const bytes = await readBody(response, MAX_BYTES, signal);
  try {
    const message: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof message === "object" && message !== null) return message;
  } catch {
    // Said below.
  }
  throw hostError("host_failed", "the resolver does not answer in JSON");
}
