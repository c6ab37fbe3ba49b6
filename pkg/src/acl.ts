/** Server ACLs: which servers may take part in a room, and where that must be asked. */
/// <reference lib="esnext.disposable" preserve="true" />
import { copyOf, type EventInput, toBytes, toName } from "./input.js";
import { call, Resident } from "./wasm.js";
import type { ServerAcl as WasmServerAcl } from "./wasm/fedproof.js";

/** What an ACL says of a server. */
export interface AclDecision {
  allowed: boolean;
  /** Stable: `acl_none`, `acl_ip_literal`, `acl_denied`, `acl_allowed`, `acl_not_allowed`, `acl_server_name_invalid`. */
  code: string;
  /** One plain sentence. */
  reason: string;
  /** The step of the specification's algorithm that decided, 1 to 5; absent for what is no server name. */
  step?: 1 | 2 | 3 | 4 | 5;
  /** What was compared: the name, the host without its port, the entry that fits and its list. */
  evidence: Record<string, unknown>;
}

/**
 * The server ACL of a room: compiled once, asked often.
 *
 * @example
 * const acl = new ServerAcl('{"deny": ["*.evil.example"], "allow": ["*"]}');
 * acl.isAllowed("matrix.evil.example:8448"); // false
 */
export class ServerAcl {
  readonly #resident: Resident<WasmServerAcl>;
  /** Why the given event is not the room's ACL and counts as none: it has another type or state key. */
  readonly ignored: string | undefined;
  /** How many entries were passed over because they are no strings. */
  readonly skipped: number;

  /**
   * @param event The room's `m.room.server_acl` event, or its content. Without one the room has no
   * ACL, and every server is allowed.
   * @throws FedproofError `json_*`, `not_an_object`, `lossy_object`, `invalid_argument`.
   * @see https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
   */
  constructor(event?: EventInput) {
    const bytes = event === undefined ? undefined : copyOf(toBytes(event, "the event of ServerAcl"));
    this.#resident = new Resident((wasm) => new wasm.ServerAcl(bytes));
    const described = JSON.parse(this.#resident.use((acl) => acl.describe())) as {
      ignored?: string;
      skipped: number;
    };
    this.ignored = described.ignored;
    this.skipped = described.skipped;
  }

  /**
   * May this server take part in the room? What is no server name may not.
   *
   * @throws FedproofError `invalid_argument`.
   */
  isAllowed(serverName: string): boolean {
    const name = toName(serverName, "the server name of isAllowed");
    return this.#resident.use((acl) => acl.is_allowed(name));
  }

  /**
   * May this server take part in the room, and why?
   *
   * @throws FedproofError `invalid_argument`.
   */
  check(serverName: string): AclDecision {
    const name = toName(serverName, "the server name of check");
    return JSON.parse(this.#resident.use((acl) => acl.check(name))) as AclDecision;
  }

  /** Gives the memory back now; it is taken again when the ACL is used again. */
  dispose(): void {
    this.#resident.free();
  }

  /**
   * Which endpoint that ACLs protect is asked for by a request?
   *
   * @param path The path of the request, percent-encoded as it was received; a query is passed over.
   * @returns Undefined for endpoints that ACLs do not protect.
   * @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
   * @example
   * ServerAcl.endpoint("/_matrix/federation/v1/make_join/%21room%3Aa.example/%40bob%3Ab.example");
   * // { name: "make_join", version: "v1", protection: "room", room_id: "!room:a.example" }
   */
  static endpoint(path: string): ProtectedEndpoint | undefined {
    const text = toName(path, "the path of endpoint");
    const found = call((wasm) => wasm.protected_endpoint(text));
    return (JSON.parse(found) as ProtectedEndpoint | null) ?? undefined;
  }

  /**
   * Which rooms' ACLs does an EDU of a transaction have to pass?
   *
   * @throws FedproofError `json_*`, `not_an_object`, `lossy_object`, `invalid_argument`.
   */
  static eduRooms(edu: EventInput): EduRooms {
    const bytes = toBytes(edu, "the EDU of eduRooms");
    return JSON.parse(call((wasm) => wasm.edu_rooms(bytes))) as EduRooms;
  }
}

export interface ServerAcl {
  /** {@link ServerAcl.dispose}, for `using`. */
  [Symbol.dispose](): void;
}
// Not a method of the class: engines without the symbol would get one named "undefined".
if (Symbol.dispose) ServerAcl.prototype[Symbol.dispose] = ServerAcl.prototype.dispose;

/** An endpoint that ACLs protect. */
export interface ProtectedEndpoint {
  /** `make_join`, `send`, … */
  name: string;
  /** `v1`, `v2` */
  version: string;
  /**
   * - `room`: a server that the ACL of `room_id` denies gets 403 `M_FORBIDDEN`;
   * - `per_event`: each event and EDU of the transaction is ignored if the ACL of its room denies;
   * - `optional`: a server may apply the ACL of the event's room.
   */
  protection: "room" | "per_event" | "optional";
  /** The room, decoded; absent when the path has none that can be read: then deny. */
  room_id?: string;
}

/** The rooms that decide about an EDU. */
export type EduRooms =
  | { protection: "none" }
  /** The EDU is ignored if the ACL of its room denies; without a room that can be read, too. */
  | { protection: "whole"; room_id?: string }
  /** What it says of each room is ignored if the ACL of that room denies. */
  | { protection: "by_room"; rooms: string[] };
