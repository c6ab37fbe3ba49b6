/** HTTPS by `node:https`: to the address that was vetted, by the names that were told, and no further. */
import type { IncomingMessage } from "node:http";
import { Agent, request as send, type RequestOptions } from "node:https";
import { type HostErrorCode, hostError, type HttpsAnswer, type HttpsRequest } from "../host.js";

/** Whom to trust. */
export interface Trust {
  /** Authorities, PEM, instead of those of the platform. */
  ca: string[] | undefined;
  /** Take any certificate. */
  insecure: boolean;
  /** How long a connection may take to come about, in milliseconds. */
  connectTimeLimit: number;
}

/** How long a connection without a request is kept, in milliseconds. */
const IDLE_LIMIT = 20_000;

/** May be sent a second time without doing more (RFC 9110, section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE"]);

/** Makes requests, over connections that are kept for the next one to the same address, port and TLS name. */
export class HttpsClient {
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_LIMIT });
  readonly #trust: RequestOptions;
  readonly #connectTimeLimit: number;

  constructor({ ca, insecure, connectTimeLimit }: Trust) {
    this.#trust = { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: !insecure };
    this.#connectTimeLimit = connectTimeLimit;
  }

  /** Makes a request to an address that may be connected to. @throws FedproofError with a code of hosts. */
  async request(request: HttpsRequest, address: string, signal: AbortSignal): Promise<HttpsAnswer> {
    // Node would let other characters pass, as bytes that nobody meant.
    if (!/^[\x21-\x7e]+$/.test(request.target)) throw hostError("host_failed", "the target of the request is not printable ASCII");
    const until = performance.now() + request.timeLimit;
    try {
      return await this.#send(request, address, signal, until, this.#agent);
    } catch (thrown) {
      if (!(thrown instanceof KeptTooLong)) throw thrown;
      return this.#send(request, address, signal, until, false);
    }
  }

  /** Closes the connections that were kept. */
  close(): void {
    this.#agent.destroy();
  }

  #send(request: HttpsRequest, address: string, signal: AbortSignal, until: number, agent: Agent | false): Promise<HttpsAnswer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const outgoing = send({
        ...this.#trust,
        agent,
        host: address,
        port: request.port,
        // Empty: no SNI, and the certificate must be for the address.
        servername: request.tlsName ?? "",
        method: request.method,
        path: request.target,
        headers: { ...Object.fromEntries(request.headers), host: request.hostHeader },
        setHost: false,
      });
      let connecting: ReturnType<typeof setTimeout> | undefined;
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        clearTimeout(connecting);
        signal.removeEventListener("abort", abort);
        how();
      };
      const fail = (thrown: unknown): void => {
        settle(() => reject(thrown as Error));
        outgoing.destroy();
      };
      const abort = (): void => fail(signal.reason);
      const timer = setTimeout(() => {
        fail(hostError("host_timed_out", `no whole answer within ${request.timeLimit} ms`));
      }, Math.max(0, until - performance.now()));
      signal.addEventListener("abort", abort);
      // An address at which nobody says anything must leave time for the next one.
      outgoing.on("socket", (socket) => {
        if (!socket.connecting) return;
        const limit = this.#connectTimeLimit;
        connecting = setTimeout(() => {
          fail(hostError("host_unreachable", `no connection to ${address} port ${request.port} within ${limit} ms`));
        }, limit);
        socket.once("connect", () => clearTimeout(connecting));
      });

      outgoing.on("error", (error) => {
        // The server may close a kept connection just when it is used again.
        const stale = agent !== false && outgoing.reusedSocket && IDEMPOTENT.has(request.method);
        fail(stale && codeOf(error) === "ECONNRESET" ? new KeptTooLong() : translate(error));
      });
      // After an answer that is no answer, such as a change of protocol.
      outgoing.on("close", () => fail(hostError("host_connection", "the connection was closed without an answer")));
      outgoing.on("response", (response) => {
        read(response, request.maxBytes, (answer) => settle(() => resolve(answer)), fail);
      });
      outgoing.end(request.body);
    });
  }
}

/** A kept connection that the server had given up. */
class KeptTooLong extends Error {}

function read(response: IncomingMessage, maxBytes: number, done: (answer: HttpsAnswer) => void, fail: (thrown: unknown) => void): void {
  const tooLarge = (): void => fail(hostError("host_answer_too_large", `the answer has more than ${maxBytes} bytes`));
  if (Number(response.headers["content-length"]) > maxBytes) return tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > maxBytes) return tooLarge();
    chunks.push(chunk);
  });
  response.on("error", (error) => fail(translate(error)));
  response.on("end", () => {
    if (!response.complete) return fail(hostError("host_connection", "the connection broke before the end of the answer"));
    done({ status: response.statusCode ?? 0, headers: pairsOf(response.rawHeaders), body: Buffer.concat(chunks) });
  });
}

function pairsOf(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] as string, raw[at + 1] as string]);
  return pairs;
}

/** What a failure of `node:https` is to a conversation. */
function translate(error: Error): Error {
  const code = codeOf(error);
  return hostError(kindOf(code), `${error.message}${code && !error.message.includes(code) ? ` (${code})` : ""}`, error);
}

function kindOf(code: string): HostErrorCode {
  if (code === "ETIMEDOUT") return "host_timed_out";
  if (code === "HPE_HEADER_OVERFLOW") return "host_answer_too_large";
  if (/CERT|SSL|TLS|SIGNED|UNABLE_TO_|EPROTO|ISSUER|CA_/.test(code)) return "host_tls";
  if (/^(ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EHOSTDOWN)$/.test(code)) return "host_unreachable";
  return "host_connection";
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}
