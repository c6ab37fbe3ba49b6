/** The host: everything that a conversation needs of the world outside. */
import { FedproofError, invalidArgument, kindOf } from "./errors.js";
import type { Signal } from "./signal.js";

/** A value, or the promise of one. */
export type Awaitable<T> = T | PromiseLike<T>;

/** What every question comes with. */
export interface HostCallOptions {
  /**
   * Fires when nobody waits for the answer any more: the call was aborted, its time is over, or the
   * conversation took another way. Give up then; whatever is answered after it is ignored.
   */
  readonly signal: Signal;
}

/** An SRV record (RFC 2782). Numbers have 16 bits. */
export interface SrvRecord {
  /** The lowest is tried first. */
  priority: number;
  /** Of equal priority, this one's share. */
  weight: number;
  port: number;
  /** The host; a dot at its end is ignored, so that `.` and the empty text both say: no such service. */
  target: string;
}

/** The addresses of a name. */
export interface AddressesAnswer {
  /** IPv4 and IPv6 addresses, in the order in which they are to be tried. */
  addresses: readonly string[];
  /** The name that has them, if the one asked for is an alias (CNAME) of it. */
  canonicalName?: string | undefined;
}

/** An HTTPS request, in all that may differ from one to the next. */
export interface HttpsRequest {
  /** The name whose address is connected to, for people: a delegate, the target of an SRV record, or an address. */
  readonly connectHost: string;
  /**
   * The address to connect to, and no other: looking `connectHost` up again might bring another. Undefined
   * when the host looks names up by itself.
   */
  readonly address: string | undefined;
  readonly port: number;
  /** The `Host` header. */
  readonly hostHeader: string;
  /**
   * The name that is sent as SNI and that the certificate must be for. Undefined: the certificate must be for
   * the address, and no SNI is sent.
   */
  readonly tlsName: string | undefined;
  /** `GET`, `PUT`, … */
  readonly method: string;
  /** Path and query, exactly as they go out. They are signed, so nothing may be encoded again or made shorter. */
  readonly target: string;
  /** Further headers, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body, exactly as it goes out. */
  readonly body: Uint8Array | undefined;
  /** The longest body that may come back, in bytes. Stop reading a longer one, and throw `host_answer_too_large`. */
  readonly maxBytes: number;
  /** How long the whole may take, to the last byte of the body, in milliseconds. */
  readonly timeLimit: number;
  /** 0: give redirects back as answers. Otherwise up to this many may be followed. */
  readonly followRedirects: number;
}

/** What the server answered, whatever its status. */
export interface HttpsAnswer {
  /** From 100 to 599. */
  status: number;
  /** Pairs of a name, in any case, and a value: an array of them, a `Headers`, a `Map`. */
  headers: Iterable<readonly [name: string, value: string]>;
  /** All bytes of the body, as they came. */
  body: Uint8Array;
}

/** What a host is able to do. What it cannot, the core works around or says. */
export interface HostCapabilities {
  /** Looks up SRV records. */
  srv: boolean;
  /** Looks up addresses. */
  addresses: boolean;
  /** Connects to the address it is told. */
  address: boolean;
  /** Sends the `Host` header, and expects the certificate, that it is told, whatever it connects to. */
  names: boolean;
  /** Gives redirects back. */
  redirects: boolean;
}

/**
 * What a conversation asks of the world outside, and nothing else does. `nodeHost()`, `denoHost()`,
 * `browserHost()` and `memoryHost()` are hosts; so is any object with these methods.
 *
 * A method that cannot answer throws (or rejects). Of a `FedproofError` with one of these codes the
 * conversation knows what happened; anything else is `host_failed`:
 * `host_timed_out`, `host_address_forbidden`, `host_unreachable` (no connection came about: nothing was
 * sent), `host_connection` (it broke), `host_tls`, `host_answer_too_large`,
 * `host_unsupported`.
 *
 * Answers are checked: what is none is `host_failed` too. Methods may be called many times at once.
 */
export interface Host {
  /** The SRV records of a name such as `_matrix-fed._tcp.example.org`. None is an answer; "cannot say" is an error. */
  srv?(name: string, options: HostCallOptions): Awaitable<readonly SrvRecord[]>;
  /** The addresses of a name, aliases followed. None is an answer; "cannot say" is an error. */
  addresses?(name: string, options: HostCallOptions): Awaitable<AddressesAnswer>;
  /** Makes a request. A status that tells of an error is an answer. */
  https(request: HttpsRequest, options: HostCallOptions): Awaitable<HttpsAnswer>;
  /** Milliseconds since 1970; by default `Date.now()`. */
  now?(): Awaitable<number>;
  /** This many bytes that nobody can guess; by default of the platform's `crypto`. */
  random?(bytes: number): Awaitable<Uint8Array>;
  /** Pauses for so many milliseconds; 0 lets others run. By default a timer. */
  wait?(ms: number, options: HostCallOptions): Awaitable<void>;
  /**
   * What this host can do. By default: it looks up what it has methods for, connects to where it is told, by
   * the names it is told, and gives redirects back.
   */
  readonly capabilities?: Partial<HostCapabilities> | undefined;
}

/** The failures that make a difference to a conversation. */
export type HostErrorCode =
  | "host_timed_out"
  | "host_address_forbidden"
  | "host_unreachable"
  | "host_connection"
  | "host_tls"
  | "host_answer_too_large"
  | "host_unsupported"
  | "host_failed";

const HOST_CODES: ReadonlySet<string> = new Set<HostErrorCode>([
  "host_timed_out",
  "host_address_forbidden",
  "host_unreachable",
  "host_connection",
  "host_tls",
  "host_answer_too_large",
  "host_unsupported",
  "host_failed",
]);

/** An error that a host throws. */
export function hostError(code: HostErrorCode, message: string, cause?: unknown): FedproofError {
  return new FedproofError(code, message, { cause });
}

/** What a host threw, as a conversation is told it. Runs at most getters of what was thrown, and survives them. */
export function failureOf(thrown: unknown): { code: HostErrorCode; message: string } {
  try {
    if (typeof thrown !== "object" || thrown === null) {
      return { code: "host_failed", message: `the host threw ${kindOf(thrown)}` };
    }
    const { code, name, message } = thrown as { code?: unknown; name?: unknown; message?: unknown };
    const known = typeof code === "string" && HOST_CODES.has(code);
    return {
      code: known ? (code as HostErrorCode) : name === "TimeoutError" ? "host_timed_out" : "host_failed",
      message: typeof message === "string" && message !== "" ? message.slice(0, 1000) : "the host failed",
    };
  } catch {
    return { code: "host_failed", message: "the host threw what cannot be read" };
  }
}

const METHODS = ["srv", "addresses", "https", "now", "random", "wait"] as const;
const ABILITIES = ["srv", "addresses", "address", "names", "redirects"] as const;

type Methods = { -readonly [M in (typeof METHODS)[number]]?: NonNullable<Host[M]> };

/** A host whose methods were read, once, and belong to it. */
export interface GivenHost extends Methods {
  readonly capabilities: HostCapabilities;
}

/** A host argument. */
export function toHost(value: unknown, where: string): GivenHost {
  if (typeof value !== "object" || value === null) throw invalidArgument(where, "a host", value);
  try {
    return readHost(value as Record<string, unknown>, where);
  } catch (thrown) {
    if (thrown instanceof FedproofError) throw thrown;
    throw new FedproofError("invalid_argument", `${where} could not be read: one of its members threw`, {
      details: { argument: where },
      cause: thrown,
    });
  }
}

function readHost(host: Record<string, unknown>, where: string): GivenHost {
  const methods: Record<string, unknown> = {};
  for (const name of METHODS) {
    const method = host[name];
    if (method === undefined && name !== "https") continue;
    if (typeof method !== "function") throw invalidArgument(`${name} of ${where}`, "a function", method);
    methods[name] = method.bind(host);
  }
  const given = host.capabilities ?? {};
  if (typeof given !== "object") throw invalidArgument(`capabilities of ${where}`, "an object", given);
  const capabilities: Record<string, boolean> = {};
  for (const name of ABILITIES) {
    const can = (given as Record<string, unknown>)[name];
    if (can !== undefined && typeof can !== "boolean") {
      throw invalidArgument(`${name} in the capabilities of ${where}`, "true or false", can);
    }
    // Nobody can look up what there is no method for.
    const able = (name !== "srv" && name !== "addresses") || name in methods;
    capabilities[name] = able && can !== false;
  }
  return { ...methods, capabilities: capabilities as unknown as HostCapabilities } as GivenHost;
}
