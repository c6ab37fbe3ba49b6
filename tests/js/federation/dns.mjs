// A DNS server on the loopback address, which answers from a table and counts what it is asked.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import dnsPacket from "dns-packet";

const { AUTHORITATIVE_ANSWER, RECURSION_AVAILABLE, decode, encode } = dnsPacket;
const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
const MANY_ALIASES = 16;

/**
 * Starts the server. `zone` says what it answers, by name:
 *
 * - `{ A: ["127.0.0.1"], AAAA: ["::1"], SRV: [{ priority, weight, port, target }], TXT: ["…"], ttl: 60 }`;
 *   a type that is not there has no records
 * - `{ CNAME: "other.test" }`: the alias and what it leads to, in one answer, as resolvers give it
 * - `"SERVFAIL"`, `"REFUSED"`, `"NOTIMP"` or `"NXDOMAIN"`: that failure
 * - `"silence"`: no answer at all
 *
 * A name that is neither in the table nor above one that is does not exist (`NXDOMAIN`).
 *
 * @returns {Promise<Dns>}
 */
export async function startDns(zone = {}) {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return new Dns(socket, zone);
}

export class Dns {
  /** Every question so far: `{ name, type }`, names in lower case. */
  queries = [];
  #zone = new Map();
  #socket;

  constructor(socket, zone) {
    this.#socket = socket;
    this.port = socket.address().port;
    /** As `dns.Resolver.setServers` takes it. */
    this.address = `127.0.0.1:${this.port}`;
    for (const [name, records] of Object.entries(zone)) this.set(name, records);
    socket.on("message", (message, sender) => this.#receive(message, sender));
  }

  /** Changes what a name has; `undefined` takes it out of the table. */
  set(name, records) {
    if (records === undefined) this.#zone.delete(name.toLowerCase());
    else this.#zone.set(name.toLowerCase(), records);
  }

  /** How often it was asked for a name, of any type or of one. */
  count(name, type) {
    return this.queries.filter((query) => query.name === name && (type ?? query.type) === query.type).length;
  }

  async stop() {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #receive(message, { port, address }) {
    let query;
    try {
      query = decode(message);
    } catch {
      return; // not DNS
    }
    const [question] = query.questions ?? [];
    if (query.type !== "query" || !question) return;
    this.queries.push({ name: question.name.toLowerCase(), type: question.type });
    const found = this.#answer(question);
    if (found === undefined) return;
    const { rcode, answers } = found;
    const response = {
      type: "response",
      id: query.id,
      flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | (query.flags & dnsPacket.RECURSION_DESIRED) | RCODES[rcode],
      questions: [question],
      answers,
    };
    this.#socket.send(encode(response), port, address);
  }

  /** The answer to a question; nothing for silence. */
  #answer({ name, type }) {
    const answers = [];
    let current = name;
    for (let step = 0; step < MANY_ALIASES; step += 1) {
      const records = this.#zone.get(current.toLowerCase());
      if (records === "silence") return undefined;
      if (typeof records === "string") return { rcode: records, answers };
      if (!records) return { rcode: this.#isAbove(current) ? "NOERROR" : "NXDOMAIN", answers };
      const { CNAME, ttl = 60 } = records;
      if (!CNAME || type === "CNAME") {
        const data = type === "CNAME" ? [CNAME ?? []].flat() : (records[type] ?? []);
        return { rcode: "NOERROR", answers: [...answers, ...data.map((one) => record(current, type, ttl, one))] };
      }
      answers.push(record(current, "CNAME", ttl, CNAME));
      current = CNAME;
    }
    return { rcode: "SERVFAIL", answers: [] }; // aliases in a ring
  }

  #isAbove(name) {
    return [...this.#zone.keys()].some((key) => key.endsWith(`.${name.toLowerCase()}`));
  }
}

function record(name, type, ttl, data) {
  const filled = type === "SRV" ? { priority: 10, weight: 0, ...data } : data;
  return { name, type, ttl, class: "IN", data: filled };
}
