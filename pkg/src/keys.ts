/** The keys that servers publish, verified once and decoded once, looked up by time. */
/// <reference lib="esnext.disposable" preserve="true" />
import { type FedproofError, invalidArgument } from "./errors.js";
import { copyOf, encodeText, type EventInput, toBytes, toName, toTimestamp } from "./input.js";
import { readOptions, required } from "./options.js";
import { type FetchedKeys, settle } from "./residents.js";
import { fromModule, type ModuleError, Resident } from "./wasm.js";
import type { KeyRing as WasmKeyRing } from "./wasm/fedproof.js";

/** A key of a server, as a key response lists it. */
export interface PublishedKey {
  /** `ed25519:` and a name. */
  key_id: string;
  /** 32 bytes as unpadded base64. */
  public_key: string;
  /** A key in use: valid until then (ms), at most 7 days after it was fetched. */
  valid_until_ts?: number;
  /** An old key: no longer in use since then (ms). */
  expired_ts?: number;
  /** When the response that lists the key was fetched (ms). */
  fetched_ts?: number;
}

/** What {@link KeyRing.addServerKeys} took from a key response. */
export interface KeyReport {
  server_name: string;
  /** As the response says it (ms); a key counts as valid for at most 7 days from `fetchedTs`. */
  valid_until_ts: number;
  keys: PublishedKey[];
  /** Keys that were not taken, and why: weak keys, keys known to have leaked, no ed25519. */
  refused: { key_id: string; code: string; reason: string }[];
  /** Where implementations in the wild differ about this response. */
  flags: string[];
}

/** An answer of {@link KeyRing.lookup}. */
export interface KeyLookup extends PublishedKey {
  /** Whether the key may be used for something made at the time asked for. */
  valid: boolean;
}

/** Options of {@link KeyRing.addServerKeys}. */
export interface AddServerKeysOptions {
  /** When the response was fetched (ms since 1970); now unless said. */
  fetchedTs?: number | undefined;
}

/** A key that is trusted without a key response. */
export interface TrustedKey {
  serverName: string;
  /** `ed25519:` and a name. */
  keyId: string;
  /** 32 bytes as base64. */
  publicKey: string;
  /** Valid until then (ms). */
  validUntilTs?: number | undefined;
  /** Not in use since then (ms). */
  expiredTs?: number | undefined;
}

/** What was added, so that it can be added again to a new instance of the module. */
type Addition = AddedResponses | AddedKey;
interface AddedResponses {
  readonly text: Uint8Array;
  readonly many: boolean;
  readonly fetchedTs: number;
  readonly reports: readonly KeyReport[];
  /** A notary passed it on. */
  readonly passedOn?: boolean;
}
interface AddedKey {
  readonly key: readonly [server: string, id: string, publicKey: string, validUntilTs: number | undefined, expiredTs: number | undefined];
}

/**
 * A ring of server keys.
 *
 * Every key response is verified by its own signature before its keys are taken. The keys live
 * decoded in the module; their memory is given back when the ring is garbage collected, or at
 * once with {@link dispose} or `using`.
 *
 * @example
 * const keys = new KeyRing();
 * keys.addServerKeys(new Uint8Array(await response.arrayBuffer()));
 * verifyEvent(pdu, { roomVersion: "11", keys });
 */
export class KeyRing {
  /** By the servers they are about, in the order they came. */
  readonly #additions = new Map<string, Addition[]>();
  readonly #resident = new Resident<WasmKeyRing>((wasm) => {
    const ring = new wasm.KeyRing();
    for (const addition of [...this.#additions.values()].flat()) {
      if ("key" in addition) ring.add_key(...addition.key);
      else if (addition.many) ring.add_server_keys_batch(addition.text, addition.fetchedTs);
      else if (addition.passedOn) ring.add_passed_on_keys(addition.text, addition.fetchedTs);
      else ring.add_server_keys(addition.text, addition.fetchedTs);
    }
    return ring;
  });

  constructor() {
    settle(this, this.#resident, (fetched) => this.#rememberFetched(fetched));
  }

  /** True for a ring of this copy of the package. */
  static isKeyRing(value: unknown): value is KeyRing {
    return typeof value === "object" && value !== null && #resident in value;
  }

  /**
   * Adds the keys of a `/_matrix/key/v2/server` answer (or of one item of a notary's
   * `server_keys`) after verifying it.
   *
   * @returns The keys taken, and those refused with the reason.
   * @throws FedproofError `key_response_invalid` (not such an answer), `key_response_unsigned`,
   * `key_response_signature_invalid`, `json_*`, `lossy_object`, `invalid_argument`,
   * `invalid_option`.
   * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
   */
  addServerKeys(response: EventInput, options?: AddServerKeysOptions): KeyReport {
    const { fetchedTs = Date.now() } = readOptions("addServerKeys", options, {
      fetchedTs: toTimestamp,
    });
    const bytes = toBytes(response, "the response of addServerKeys");
    const report = JSON.parse(
      this.#resident.use((ring) => ring.add_server_keys(bytes, fetchedTs)),
    ) as KeyReport;
    this.#remember({ text: copyOf(bytes), many: false, fetchedTs, reports: [report] });
    return report;
  }

  /**
   * Adds all key responses of a text: one `/_matrix/key/v2/server` answer, an array of them, or an
   * object with `server_keys` (a notary's answer, a room file).
   *
   * @returns What was added, and what was refused; one bad response does not touch the others.
   * @throws FedproofError `json_*` and `key_response_invalid` (the text as a whole is nothing of the
   * kind), `lossy_object`, `invalid_argument`, `invalid_option`.
   * @see https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
   */
  addAllServerKeys(
    responses: EventInput,
    options?: AddServerKeysOptions,
  ): { added: KeyReport[]; refused: FedproofError[] } {
    const { fetchedTs = Date.now() } = readOptions("addAllServerKeys", options, {
      fetchedTs: toTimestamp,
    });
    const bytes = toBytes(responses, "the responses of addAllServerKeys");
    const answers = JSON.parse(
      this.#resident.use((ring) => ring.add_server_keys_batch(bytes, fetchedTs)),
    ) as (KeyReport | { error: ModuleError })[];
    const reports = answers.filter((answer): answer is KeyReport => !("error" in answer));
    if (reports.length > 0) this.#remember({ text: copyOf(bytes), many: true, fetchedTs, reports });
    return {
      added: reports,
      refused: answers.flatMap((answer) => ("error" in answer ? [fromModule(answer.error)] : [])),
    };
  }

  /**
   * Adds a key that you trust for another reason: from a configuration, or already verified.
   * Without `validUntilTs` and `expiredTs` it is valid at all times.
   *
   * @throws FedproofError `server_name_invalid`, `key_id_invalid`, `key_invalid`, `key_weak`,
   * `key_leaked`, `key_conflict` (the id is taken by another key), `invalid_argument`,
   * `invalid_option`.
   */
  addKey(key: TrustedKey): void {
    if (key === undefined) throw invalidArgument("the key of addKey", "an object", key);
    const { serverName, keyId, publicKey, validUntilTs, expiredTs } = readOptions("addKey", key, {
      serverName: toName,
      keyId: toName,
      publicKey: toName,
      validUntilTs: toTimestamp,
      expiredTs: toTimestamp,
    });
    const addition = [
      required(serverName, "addKey", "serverName", "the name of the server"),
      required(keyId, "addKey", "keyId", '"ed25519:" and a name'),
      required(publicKey, "addKey", "publicKey", "32 bytes as base64"),
      validUntilTs,
      expiredTs,
    ] as const;
    this.#resident.use((ring) => ring.add_key(...addition));
    this.#remember({ key: addition });
  }

  /**
   * Finds a key.
   *
   * @param options.at The time (ms) for which the key must be valid; without it `valid` says
   * whether the key is known at all.
   * @returns The key, or undefined when the ring does not have it.
   * @throws FedproofError `invalid_argument`, `invalid_option`.
   */
  lookup(serverName: string, keyId: string, options?: { at?: number | undefined }): KeyLookup | undefined {
    const server = toName(serverName, "the server name of lookup");
    const id = toName(keyId, "the key id of lookup");
    const { at } = readOptions("lookup", options, { at: toTimestamp });
    const found = this.#resident.use((ring) => ring.lookup(server, id, at));
    return (JSON.parse(found) as KeyLookup | null) ?? undefined;
  }

  /** Gives the memory back now. The ring forgets its keys, and can be filled again. */
  dispose(): void {
    this.#additions.clear();
    this.#resident.free();
  }

  /** Keys that a conversation has verified and put into the ring. */
  #rememberFetched({ document, fetched_ts, passed_on, report }: FetchedKeys): void {
    const text = encodeText(document);
    this.#remember({ text, many: false, fetchedTs: fetched_ts, reports: [report], passedOn: passed_on });
  }

  /** Keeps what a rebuilt ring needs, and drops what the new addition makes superfluous. */
  #remember(addition: Addition): void {
    const servers =
      "key" in addition ? addition.key[0] : addition.reports.map((report) => report.server_name).join();
    const earlier = this.#additions.get(servers) ?? [];
    const kept = earlier.filter((one) => !isSuperseded(one, addition));
    this.#additions.set(servers, [...kept, addition]);
  }
}

/**
 * A server that is asked every day would make the list grow for ever: an answer goes when a later
 * one says the same of all its keys, for at least as long.
 */
function isSuperseded(earlier: Addition, later: Addition): boolean {
  if ("key" in earlier || "key" in later) {
    return "key" in earlier && "key" in later && earlier.key.join("\n") === later.key.join("\n");
  }
  return (
    earlier.fetchedTs <= later.fetchedTs &&
    earlier.reports.every((old) => later.reports.some((report) => saysAsMuch(report, old)))
  );
}

function saysAsMuch(report: KeyReport, old: KeyReport): boolean {
  return (
    report.server_name === old.server_name &&
    report.valid_until_ts >= old.valid_until_ts &&
    old.keys.every((known) =>
      report.keys.some(
        (key) =>
          key.key_id === known.key_id &&
          key.public_key === known.public_key &&
          key.expired_ts === known.expired_ts,
      ),
    )
  );
}

export interface KeyRing {
  /** {@link KeyRing.dispose}, for `using`. */
  [Symbol.dispose](): void;
}
// Not a method of the class: engines without the symbol would get one named "undefined".
if (Symbol.dispose) KeyRing.prototype[Symbol.dispose] = KeyRing.prototype.dispose;

/** An option that must be a {@link KeyRing}. */
export function toKeyRing(value: unknown, where: string): KeyRing {
  if (KeyRing.isKeyRing(value)) return value;
  throw invalidArgument(where, "a KeyRing of this copy of fedproof", value);
}

/** A ring without keys, for calls that bring none: signatures are then `incomplete`. */
let empty: KeyRing | undefined;
export function emptyRing(): KeyRing {
  return (empty ??= new KeyRing());
}
