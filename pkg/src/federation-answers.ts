/** What the conversations of a `Federation` answer. */
import type { KeyReport } from "./keys.js";
import type { Verdict } from "./verdict.js";

/** An event that is proven: well formed, signed by whom it names, and of the ID that was asked for, if one was. */
export interface ProvenEvent {
  /** The event as canonical JSON text, without `unsigned`; redacted, if its content did not fit its hash. */
  pdu: string;
  /** Checks 1 to 3. */
  verdict: Verdict;
}

/** An event of an answer that fell out. */
export interface DroppedEvent {
  /** Why: the code of a check, or `answer_event_*` when the event is not what was asked for. */
  code: string;
  reason: string;
  verdict: Verdict;
}

/** An entry of an answer that was left out, or cut. */
export interface LeftOut {
  /** Where it stood, such as `chunk[3].topic`. */
  place: string;
  code: string;
  /** What it must have been. */
  expected: string;
}

/** Keys that a server publishes, fetched and verified. */
export interface ServerKeys extends KeyReport {
  /** The document as it came: its signature covers fields that nobody here knows. JSON text. */
  document: string;
  /** The notary that passed it on. */
  notary?: string;
  /** That notary signed it with a key that is known. (Not needed: the server's own signature counts.) */
  notary_signed?: boolean;
}

/** What became of fetching keys. */
export interface KeyFetch {
  /** The answers that were verified. */
  fetched: ServerKeys[];
  /** What failed on the way; where another way succeeded it did no harm. */
  failed: {
    server_name: string;
    /** The notary that was asked; absent: the server itself. */
    notary?: string;
    code: string;
    reason: string;
  }[];
}

/** One event that was asked for. */
export interface FetchedEvent extends ProvenEvent {
  /** Keys that were fetched for it. */
  keys: KeyFetch;
}

/** Events that were asked for. */
export interface FetchedEvents {
  events: ProvenEvent[];
  dropped: DroppedEvent[];
  /** Further items that are too short to be events. */
  fragments: number;
  keys: KeyFetch;
}

/** What keeps an auth chain from being whole. */
export interface Gaps {
  /** IDs of events that are cited and not there. */
  missing: string[];
  /** IDs of events that cite each other in a circle. */
  in_circle: string[];
}

/** The state before an event. */
export interface FetchedState extends Gaps {
  /** One event for each type and state key. Whether they are allowed, a `Room` says. */
  state: ProvenEvent[];
  auth_chain: ProvenEvent[];
  dropped: DroppedEvent[];
  fragments: number;
  keys: KeyFetch;
}

/** The auth chain of an event. */
export interface AuthChain extends Gaps {
  auth_chain: ProvenEvent[];
  dropped: DroppedEvent[];
  /** It closes at the create event, with nothing missing on the way. */
  is_whole: boolean;
  keys: KeyFetch;
}

/** The IDs of a state. */
export interface StateIds {
  pdu_ids: string[];
  auth_chain_ids: string[];
  left_out: LeftOut[];
}

/** A change of a membership that a server of the room took. */
export interface Membership {
  /** The server. */
  server: string;
  room_version: string;
  event_id: string;
  /** The event as canonical JSON text. */
  event: string;
  /** Servers that were tried before, and what they said. */
  failures: { server_name: string; code: string; message: string; evidence: Record<string, unknown> }[];
}

/** State of a room for somebody who is not in it. It is trusted for nothing. */
export interface StrippedEvent {
  /** `content`, `sender`, `state_key` and `type`. */
  event: Record<string, unknown>;
  /** It came as an event that its sender's server signed. */
  proven: boolean;
}

/** What another server says of events that were sent to it. */
export interface Sent {
  /** The answer to each transaction, in order. */
  transactions: {
    /** Of each event: nothing, or why it was not taken. */
    pdus: { event_id: string; error?: string }[];
    /** Events that it says nothing of. */
    not_mentioned: string[];
    left_out: LeftOut[];
  }[];
  /** How many events went out in transactions that were answered with 200. */
  pdus: number;
  /** How much ephemeral data, likewise. */
  edus: number;
  /** How often a transaction had to be sent again. */
  retries: number;
  /** Why the rest was not sent. */
  failure?: { server_name: string; code: string; message: string; evidence: Record<string, unknown> };
}

/** What software a server says it runs. */
export interface ServerVersion {
  name?: string;
  version?: string;
  left_out: LeftOut[];
}

/** A room as another server describes it. Texts are cut to 4096 characters. */
export interface RoomSummary {
  room_id: string;
  num_joined_members: number;
  world_readable: boolean;
  guest_can_join: boolean;
  name?: string;
  topic?: string;
  canonical_alias?: string;
  avatar_url?: string;
  join_rule?: string;
  room_type?: string;
}

/** Published rooms, in the order that the server gives them. */
export interface PublicRooms {
  rooms: RoomSummary[];
  next_batch?: string;
  prev_batch?: string;
  total_room_count_estimate?: number;
  left_out: LeftOut[];
}

/** A space and the rooms in it. */
export interface Space {
  room: RoomSummary;
  /** What it says is in it. */
  links: { room_id: string; via: string[]; suggested: boolean; order?: string; sender: string; origin_server_ts: number }[];
  /** The rooms in it that the server knows. */
  children: RoomSummary[];
  /** The rooms in it that nobody of our server may see. */
  inaccessible_children: string[];
  left_out: LeftOut[];
}

/** The room of an alias. */
export interface AliasTarget {
  room_id: string;
  /** Servers to join it by. */
  servers: string[];
  left_out: LeftOut[];
}

/** The profile of a user. */
export interface Profile {
  displayname?: string;
  avatar_url?: string;
  /** Further fields, each as JSON text. */
  fields: Map<string, string>;
  left_out: LeftOut[];
}

/** Where a server is, and why there. */
export interface Resolution {
  /** The name that was asked for. It is this one that requests are signed for, never the delegate's. */
  server_name: string;
  /** The step of the specification that decided: `1`, `2`, `3.1` to `3.5`, `4`, `5`, `6`. */
  step: string;
  /** The `Host` header of requests. */
  host_header: string;
  /** The name that is sent as SNI and that the certificate must be for; absent for an IP address. */
  tls_name?: string;
  /** Where to connect to, in the order in which it is to be tried. */
  candidates: { host: string; address?: string; port: number }[];
  /** The `.well-known` document that named a delegate. */
  well_known?: { delegate: string } & Record<string, unknown>;
  /** When to resolve the name anew (ms); absent when that would not change anything. */
  expires_ts?: number;
  /** What is worth knowing: all flags of the trace. */
  flags: string[];
  trace: TraceEntry[];
}

/** One thing that was asked or decided on the way. */
export interface TraceEntry {
  step: string;
  asked?: Record<string, unknown>;
  answer?: unknown;
  /** What followed from it, for people. */
  decision: string;
  /** Why this way led no further. */
  code?: string;
  flags: string[];
  /** How long the answer took (ms). */
  took_ms?: number;
}
