/** Conversations with other servers, over a host. */
import { CALL_OPTIONS, type CallOptions, type Progress } from "./call-options.js";
import { Deadline } from "./deadline.js";
import { FedproofError, invalidArgument } from "./errors.js";
import { type FilledGap, GapFiller } from "./gap-filler.js";
import { copyOf, type EventInput, encodeText, toBytes, toName, toRoomVersion, toTimestamp } from "./input.js";
import type {
  AliasTarget,
  AuthChain,
  DroppedEvent,
  FetchedEvent,
  FetchedEvents,
  FetchedState,
  KeyFetch,
  LeftOut,
  Membership,
  Profile,
  PublicRooms,
  Resolution,
  Sent,
  ServerKeys,
  ServerVersion,
  Space,
  StateIds,
  StrippedEvent,
} from "./federation-answers.js";
import type { GivenHost, Host } from "./host.js";
import { toHost } from "./host.js";
import { KeyRing, toKeyRing } from "./keys.js";
import { callbackFailed, drive, type Ended } from "./operation.js";
import { oneOf, readOptions, required, toBoolean } from "./options.js";
import { remember, residentOf } from "./residents.js";
import { type SigningKey, signMessage, toSigningKey } from "./signing.js";
import { type JoinReport, Room } from "./state.js";
import { eventId as idOf } from "./values.js";
import type { Federation as WasmFederation, KeyRing as WasmKeyRing, Operation } from "./wasm/fedproof.js";

/** Options of {@link Federation}. */
export interface FederationOptions {
  /** Our server: its name, before any delegation. */
  serverName: string;
  /** The key that our requests and events are signed with. Without it, only what needs no signature can be asked. */
  signingKey?: SigningKey | undefined;
  /** How we reach the world. */
  host: Host;
  /** Keys of other servers; those that are fetched are added. A ring of its own unless one is given. */
  keys?: KeyRing | undefined;
  /** Servers that are asked for keys that a server itself does not give (notaries). */
  notaries?: readonly string[] | undefined;
  /** Limits of every call, unless it says otherwise. */
  timeLimit?: number | undefined;
  stepTimeLimit?: number | undefined;
}

/** A room at a server. */
export interface RoomAt extends CallOptions {
  roomId: string;
  /** The version of the room. */
  roomVersion: string;
}

/** Options of {@link Federation.join}. */
export interface JoinRoomOptions extends CallOptions {
  roomId: string;
  /** Our user, of our server. */
  userId: string;
  /** Servers in the room, tried in this order. */
  via: readonly string[];
  /** What else the content of the event is to say, such as `displayname`. */
  content?: EventInput | undefined;
  /** The other server may leave the members out of the state, so that the answer is shorter. */
  omitMembers?: boolean | undefined;
  /** Tell every authorization rule that was considered. */
  trace?: boolean | undefined;
  /** Passing checks carry their evidence too. */
  evidence?: boolean | undefined;
}

/** A room that was joined. */
export interface JoinedRoom extends Membership {
  /** The room, verified: its state before the join, and the join. */
  room: Room;
  /** What became of the answer, event by event. */
  report: JoinReport;
  keys: KeyFetch;
}

/** A room that was knocked on. */
export interface KnockedRoom extends Membership {
  /** State to show to the user; it is trusted for nothing. */
  room_state: StrippedEvent[];
  dropped: DroppedEvent[];
  left_out: LeftOut[];
  keys: KeyFetch;
}

/** An answer to {@link Federation.request}. */
export interface RequestAnswer {
  status: number;
  /** Names in lower case. */
  headers: [name: string, value: string][];
  body: Uint8Array;
}

/**
 * Our server, as far as it speaks to others. Each method is a conversation: the other server is found and
 * asked, and what it answers is verified before it is handed on. No socket is opened here: the host does that.
 *
 * Every method takes a `signal` and time limits. What ends a conversation is thrown as a `FedproofError`, with
 * the code of what went wrong: `discovery_*` (the server is not found, with the trace in `details.evidence`),
 * `host_*` (it does not answer), `remote_*` (it refuses, with its status, `errcode` and words), `answer_*` (it
 * answers something else than was asked), `aborted`, `timed_out`. What is wrong with single events is no
 * exception: they are left out and told.
 *
 * @example
 * const federation = new Federation({ serverName: "example.org", signingKey, host: nodeHost() });
 * const { room } = await federation.join({ roomId, userId: "@me:example.org", via: ["matrix.org"] });
 * console.log(room.currentState());
 */
export class Federation {
  /** Our server. */
  readonly serverName: string;
  /** Keys of other servers, those fetched among them. */
  readonly keys: KeyRing;
  readonly #signingKey: SigningKey | undefined;
  readonly #host: GivenHost;
  readonly #notaries: string[];
  readonly #limits: { timeLimit: number | undefined; stepTimeLimit: number | undefined };
  /** Inside the module, together with the ring that it uses. */
  #inside: { federation: WasmFederation; ring: WasmKeyRing } | undefined;

  /** @throws FedproofError `server_name_invalid`, `invalid_argument`, `invalid_option`. */
  constructor(options: FederationOptions) {
    const { timeLimit, stepTimeLimit } = CALL_OPTIONS;
    const read = readOptions("Federation", options, {
      serverName: toName,
      signingKey: toSigningKey,
      host: toHost,
      keys: toKeyRing,
      notaries: toNames,
      timeLimit,
      stepTimeLimit,
    });
    this.serverName = required(read.serverName, "Federation", "serverName", "the name of our server");
    this.#host = required(read.host, "Federation", "host", "such as nodeHost()");
    this.#signingKey = read.signingKey;
    this.keys = read.keys ?? new KeyRing();
    this.#notaries = read.notaries ?? [];
    this.#limits = { timeLimit: read.timeLimit, stepTimeLimit: read.stepTimeLimit };
    const key = this.#signingKey;
    // Events of ours come back in answers: nobody has to be asked for the key.
    if (key) this.keys.addKey({ serverName: this.serverName, keyId: key.keyId, publicKey: key.publicKey });
    // What is wrong with the names is told at once.
    residentOf(this.keys).use((ring) => this.#enter(ring));
  }

  /**
   * Finds a server: where to connect to, with which `Host` header and which name in the certificate, and the trace
   * of all that was asked on the way.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
   */
  async resolve(serverName: string, options?: CallOptions): Promise<Resolution> {
    const server = toName(serverName, "the server name of resolve");
    return this.#json("resolve", options, (federation) => federation.resolve(server));
  }

  /**
   * The keys of a server, from itself or else from a notary; they enter {@link keys}.
   *
   * @returns What the server publishes, with the document as it came.
   * @throws FedproofError also `key_response_*` when the answer does not prove itself.
   * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
   */
  async serverKeys(serverName: string, options?: CallOptions): Promise<ServerKeys> {
    const server = toName(serverName, "the server name of serverKeys");
    const { fetched, failed } = await this.queryKeys([{ serverName: server }], options);
    const own = fetched.find(({ server_name }) => server_name === server);
    if (own) return own;
    const [first] = failed;
    throw new FedproofError(first?.code ?? "signature_key_missing", first?.reason ?? `there are no keys of ${server}`, {
      details: { failed },
    });
  }

  /**
   * Fetches keys of many servers at once; they enter {@link keys}. Servers that did not answer a short while ago are
   * left alone for a minute, up to an hour if they stay silent.
   *
   * @param wanted Of each server all its keys, or one that is needed, valid until a time (ms).
   * @returns What came, and what failed on the way.
   * @see https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server
   */
  async queryKeys(
    wanted: readonly { serverName: string; keyId?: string | undefined; validUntilTs?: number | undefined }[],
    options?: CallOptions,
  ): Promise<KeyFetch> {
    if (!Array.isArray(wanted)) throw invalidArgument("what is wanted of queryKeys", "an array", wanted);
    const servers = new Map<string, [string, number | undefined][]>();
    for (const entry of wanted) {
      const where = "what is wanted of queryKeys";
      const read = readOptions(where, entry, { serverName: toName, keyId: toName, validUntilTs: toTimestamp });
      const server = required(read.serverName, where, "serverName", "the name of a server");
      const keys = servers.get(server) ?? [];
      if (read.keyId !== undefined) keys.push([read.keyId, read.validUntilTs]);
      servers.set(server, keys);
    }
    const members = [...servers].map(([server, keys]) => `${JSON.stringify(server)}:${JSON.stringify(keys)}`);
    const text = encodeText(`{${members.join()}}`);
    return this.#json("queryKeys", options, (federation) => federation.fetch_keys(text));
  }

  /**
   * Makes any request of the federation; signed, unless told otherwise.
   *
   * @param target Path and query, exactly as they are signed and sent.
   * @returns The answer, whatever its status. Nothing of it is verified.
   * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
   */
  async request(
    serverName: string,
    request: { method?: "GET" | "POST" | "PUT" | "DELETE"; target: string; content?: EventInput; signed?: boolean } & CallOptions,
  ): Promise<RequestAnswer> {
    const server = toName(serverName, "the server name of request");
    const { method = "GET", target, content, signed = true, ...options } = readOptions("request", request, {
      method: oneOf("GET", "POST", "PUT", "DELETE"),
      target: toName,
      content: toBytes,
      signed: toBoolean,
      ...CALL_OPTIONS,
    });
    const path = required(target, "request", "target", "the path, such as /_matrix/federation/v1/version");
    const { json, attachment } = await this.#drive(options, (federation) =>
      federation.request(server, method, path, content, signed),
    );
    const head = JSON.parse(json) as Omit<RequestAnswer, "body">;
    return { ...head, body: attachment ?? new Uint8Array() };
  }

  /** What software a server says it runs. */
  async version(serverName: string, options?: CallOptions): Promise<ServerVersion> {
    const server = toName(serverName, "the server name of version");
    return this.#json("version", options, (federation) => federation.version(server));
  }

  /**
   * One event by its ID.
   *
   * @param options.roomId The room it must be of, if that is known.
   * @throws FedproofError also the codes of checks 1 to 3: an event that does not prove itself is none.
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid
   */
  async event(
    serverName: string,
    eventId: string,
    options: { roomVersion: string; roomId?: string | undefined } & CallOptions,
  ): Promise<FetchedEvent> {
    const server = toName(serverName, "the server name of event");
    const id = toName(eventId, "the event ID of event");
    const { roomVersion, roomId, ...limits } = readOptions("event", options, {
      roomVersion: toRoomVersion,
      roomId: toName,
      ...CALL_OPTIONS,
    });
    const version = required(roomVersion, "event", "roomVersion", 'such as "11"');
    return this.#parsed(limits, (federation) => federation.event(server, id, roomId, version));
  }

  /**
   * The state before an event, with its auth chain.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid
   */
  async state(serverName: string, eventId: string, options: RoomAt): Promise<FetchedState> {
    const at = this.#at("state", serverName, eventId, options);
    return this.#parsed(at.limits, (federation) => federation.state(at.server, at.room, at.event, at.version));
  }

  /**
   * The IDs of the state before an event, and of its auth chain. They are names, and prove nothing.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid
   */
  async stateIds(serverName: string, eventId: string, options: RoomAt): Promise<StateIds> {
    const at = this.#at("stateIds", serverName, eventId, options);
    return this.#parsed(at.limits, (federation) => federation.state_ids(at.server, at.room, at.event, at.version));
  }

  /**
   * The auth chain of an event.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid
   */
  async eventAuth(serverName: string, eventId: string, options: RoomAt): Promise<AuthChain> {
    const at = this.#at("eventAuth", serverName, eventId, options);
    return this.#parsed(at.limits, (federation) => federation.event_auth(at.server, at.room, at.event, at.version));
  }

  /**
   * Events at and before others.
   *
   * @param options.from IDs of the events to begin with.
   * @param options.limit How many at most (up to 100).
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
   */
  async backfill(
    serverName: string,
    options: { from: readonly string[]; limit?: number | undefined } & RoomAt,
  ): Promise<FetchedEvents> {
    const server = toName(serverName, "the server name of backfill");
    const { roomId, roomVersion, from, limit = 100, ...limits } = readOptions("backfill", options, {
      ...ROOM_AT,
      from: toNames,
      limit: toCount,
    });
    const room = required(roomId, "backfill", "roomId", "the room");
    const version = required(roomVersion, "backfill", "roomVersion", 'such as "11"');
    const begin = required(from, "backfill", "from", "IDs of events");
    return this.#parsed(limits, (federation) => federation.backfill(server, room, begin, limit, version));
  }

  /**
   * Events between some that are known and later ones whose previous events are missing.
   *
   * @param options.earliestEvents IDs of events that are known: the answer stops there.
   * @param options.latestEvents The later events, with the IDs of their previous events.
   * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid
   */
  async missingEvents(
    serverName: string,
    options: {
      earliestEvents: readonly string[];
      latestEvents: readonly { eventId: string; prevEvents: readonly string[] }[];
      limit?: number | undefined;
      minDepth?: number | undefined;
    } & RoomAt,
  ): Promise<FetchedEvents> {
    const where = "missingEvents";
    const server = toName(serverName, "the server name of missingEvents");
    const read = readOptions(where, options, {
      ...ROOM_AT,
      earliestEvents: toNames,
      latestEvents: toLatest,
      limit: toCount,
      minDepth: toTimestamp,
    });
    const { roomId, roomVersion, earliestEvents, latestEvents, limit = 10, minDepth = 0, ...limits } = read;
    const room = required(roomId, where, "roomId", "the room");
    const version = required(roomVersion, where, "roomVersion", 'such as "11"');
    const latest = encodeText(JSON.stringify(required(latestEvents, where, "latestEvents", "the later events")));
    const earliest = required(earliestEvents, where, "earliestEvents", "IDs of events that are known");
    return this.#parsed(limits, (federation) =>
      federation.missing_events(server, room, earliest, latest, limit, minDepth, version),
    );
  }

  /**
   * The event of a room next to a time.
   *
   * @param ts Milliseconds since 1970.
   * @param options.direction `forwards` (by default): the first event at or after the time; `backwards`: the last at
   * or before it.
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid
   */
  async timestampToEvent(
    serverName: string,
    ts: number,
    options: { direction?: "forwards" | "backwards" | undefined } & RoomAt,
  ): Promise<FetchedEvent & { event_id: string; origin_server_ts: number }> {
    const server = toName(serverName, "the server name of timestampToEvent");
    const time = toTimestamp(ts, "the time of timestampToEvent");
    const { roomId, roomVersion, direction = "forwards", ...limits } = readOptions("timestampToEvent", options, {
      ...ROOM_AT,
      direction: oneOf("forwards", "backwards"),
    });
    const room = required(roomId, "timestampToEvent", "roomId", "the room");
    const version = required(roomVersion, "timestampToEvent", "roomVersion", 'such as "11"');
    return this.#parsed(limits, (federation) =>
      federation.timestamp_to_event(server, room, time, direction === "forwards", version),
    );
  }

  /**
   * Joins a room by way of servers that are in it, one after the other until one helps.
   *
   * The template of the other server is not signed as it comes: the event is made anew. Its answer is judged as a
   * room: every signature, the auth rules, the state as a whole; what is bad falls out and is told in `report`.
   *
   * @returns The room. Unless `report.verdict.outcome` is `accepted`, the other server says that we are in, and its
   * own state does not.
   * @throws FedproofError also `join_answer_*`: the answer is none; `template_*`: the template is of something else.
   * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
   */
  async join(options: JoinRoomOptions): Promise<JoinedRoom> {
    const where = "join";
    const read = readOptions(where, options, {
      ...MEMBER,
      omitMembers: toBoolean,
      trace: toBoolean,
      evidence: toBoolean,
    });
    const { roomId, userId, via, content, omitMembers = false, trace, evidence, ...limits } = read;
    const room = required(roomId, where, "roomId", "the room to join");
    const user = required(userId, where, "userId", "our user");
    const servers = required(via, where, "via", "servers in the room");
    const deadline = new Deadline(this.#limited(limits));
    const { json, attachment } = await this.#drive(deadline.limits(), (federation) =>
      federation.join(room, user, servers, content, omitMembers),
    );
    const { event, keys, ...membership } = JSON.parse(json) as Membership & { keys: KeyFetch };
    const answer = attachment ?? new Uint8Array();
    const joined = await deadline.hold((signal) =>
      Room.fromJoin(answer, {
        roomVersion: membership.room_version,
        roomId: room,
        event,
        keys: this.keys,
        trace,
        evidence,
        signal,
        progress: (done) => tell(limits, { stage: "verify", done, total: undefined }),
      }),
    );
    return { ...membership, event: joined.report.event, keys, ...joined };
  }

  /**
   * Knocks on a room.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#knocking-upon-a-room
   */
  async knock(options: Omit<JoinRoomOptions, "omitMembers" | "trace" | "evidence">): Promise<KnockedRoom> {
    const { room, user, servers, content, limits } = this.#member("knock", options);
    return this.#parsed(limits, (federation) => federation.knock(room, user, servers, content));
  }

  /**
   * Turns an invite down, takes a knock back, or leaves a room of which our server has no copy.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites
   */
  async leave(options: Omit<JoinRoomOptions, "omitMembers" | "trace" | "evidence">): Promise<Membership> {
    const { room, user, servers, content, limits } = this.#member("leave", options);
    return this.#parsed(limits, (federation) => federation.leave(room, user, servers, content));
  }

  /**
   * Signs an invite of a user of another server, and has that server sign it too.
   *
   * @param event The invite, an event of the room that lacks only hash and signature.
   * @param options.roomState Events for the invited user to look at, `m.room.create` among them.
   * @returns The invite by both servers: send it to the servers in the room.
   * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
   */
  async invite(
    event: EventInput,
    options: { roomState?: readonly EventInput[] | undefined } & RoomAt,
  ): Promise<{ server: string; event_id: string; event: string; keys: KeyFetch }> {
    const bytes = toBytes(event, "the event of invite");
    const { roomId, roomVersion, roomState = [], ...limits } = readOptions("invite", options, {
      ...ROOM_AT,
      roomState: toEvents,
    });
    const room = required(roomId, "invite", "roomId", "the room");
    const version = required(roomVersion, "invite", "roomVersion", 'such as "11"');
    const state = listOf(roomState);
    return this.#parsed(limits, (federation) => federation.invite(bytes, room, state, version));
  }

  /**
   * Asks a server of a room to make the invite that a third party's invitation leads to.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
   */
  async exchangeThirdPartyInvite(
    serverName: string,
    event: EventInput,
    options: { roomId: string } & CallOptions,
  ): Promise<void> {
    const server = toName(serverName, "the server name of exchangeThirdPartyInvite");
    const bytes = toBytes(event, "the event of exchangeThirdPartyInvite");
    const { roomId, ...limits } = readOptions("exchangeThirdPartyInvite", options, { roomId: toName, ...CALL_OPTIONS });
    const room = required(roomId, "exchangeThirdPartyInvite", "roomId", "the room");
    await this.#drive(limits, (federation) => federation.exchange_third_party_invite(server, room, bytes));
  }

  /**
   * Sends events and ephemeral data, in transactions of up to 50 and 100, one after the other. A transaction that is
   * not answered with 200 is sent again, after a pause that doubles or that the server asks for.
   *
   * @param options.pdus Signed events of a room of version `roomVersion`, in their order.
   * @param options.edus Ephemeral data.
   * @param options.attempts How often each transaction is tried; by default 3 times.
   * @returns What the server says of each event, and why the rest was not sent.
   * @see https://spec.matrix.org/v1.19/server-server-api/#transactions
   */
  async send(
    serverName: string,
    options: {
      pdus?: readonly EventInput[] | undefined;
      roomVersion?: string | undefined;
      edus?: readonly EventInput[] | undefined;
      attempts?: number | undefined;
    } & CallOptions,
  ): Promise<Sent> {
    const server = toName(serverName, "the server name of send");
    const { pdus = [], roomVersion, edus = [], attempts = 3, ...limits } = readOptions("send", options, {
      pdus: toEvents,
      roomVersion: toRoomVersion,
      edus: toEvents,
      attempts: toCount,
      ...CALL_OPTIONS,
    });
    const ids = pdus.map((pdu) => idOf(pdu, required(roomVersion, "send", "roomVersion", "the version of the room")));
    const [events, ephemeral] = [listOf(pdus), listOf(edus)];
    return this.#parsed(limits, (federation) => federation.send(server, ids, events, ephemeral, attempts));
  }

  /**
   * Asks the policy server of a room to recommend an event.
   *
   * @param serverName The `via` of the room's `m.room.policy`.
   * @param options.publicKey The ed25519 key that this event of the room names: no other counts.
   * @returns The event with the signature added, as canonical JSON text.
   * @throws FedproofError also `remote_forbidden`: the server does not recommend the event.
   * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign
   */
  async policySign(
    serverName: string,
    event: EventInput,
    options: { publicKey: string; roomVersion: string } & CallOptions,
  ): Promise<string> {
    const server = toName(serverName, "the server name of policySign");
    const bytes = toBytes(event, "the event of policySign");
    const { publicKey, roomVersion, ...limits } = readOptions("policySign", options, {
      publicKey: toName,
      roomVersion: toRoomVersion,
      ...CALL_OPTIONS,
    });
    const key = required(publicKey, "policySign", "publicKey", "the key in m.room.policy");
    const version = required(roomVersion, "policySign", "roomVersion", 'such as "11"');
    return this.#parsed(limits, (federation) => federation.policy_sign(server, key, bytes, version));
  }

  /**
   * A page of the rooms that a server publishes. Nothing of it is proven.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1publicrooms
   */
  async publicRooms(
    serverName: string,
    options: {
      limit?: number | undefined;
      since?: string | undefined;
      search?: string | undefined;
      includeAllNetworks?: boolean | undefined;
      thirdPartyInstanceId?: string | undefined;
    } & CallOptions = {},
  ): Promise<PublicRooms> {
    const server = toName(serverName, "the server name of publicRooms");
    const { limit, since, search, includeAllNetworks, thirdPartyInstanceId, ...limits } = readOptions(
      "publicRooms",
      options,
      {
        limit: toCount,
        since: toName,
        search: toName,
        includeAllNetworks: toBoolean,
        thirdPartyInstanceId: toName,
        ...CALL_OPTIONS,
      },
    );
    const filter = {
      limit,
      since,
      search,
      include_all_networks: includeAllNetworks,
      third_party_instance_id: thirdPartyInstanceId,
    };
    return this.#parsed(limits, (federation) => federation.public_rooms(server, filter));
  }

  /**
   * A space and the rooms in it, as a server sees them. Nothing of it is proven.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
   */
  async hierarchy(
    serverName: string,
    roomId: string,
    options: { suggestedOnly?: boolean | undefined } & CallOptions = {},
  ): Promise<Space> {
    const server = toName(serverName, "the server name of hierarchy");
    const room = toName(roomId, "the room ID of hierarchy");
    const { suggestedOnly = false, ...limits } = readOptions("hierarchy", options, {
      suggestedOnly: toBoolean,
      ...CALL_OPTIONS,
    });
    return this.#parsed(limits, (federation) => federation.hierarchy(server, room, suggestedOnly));
  }

  /**
   * The room of an alias. Only the server of the alias is asked.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory
   */
  async queryDirectory(roomAlias: string, options?: CallOptions): Promise<AliasTarget> {
    const alias = toName(roomAlias, "the alias of queryDirectory");
    return this.#json("queryDirectory", options, (federation) => federation.query_directory(alias));
  }

  /**
   * The profile of a user, or one field of it. Only the server of the user is asked.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile
   */
  async queryProfile(userId: string, options: { field?: string | undefined } & CallOptions = {}): Promise<Profile> {
    const user = toName(userId, "the user ID of queryProfile");
    const { field, ...limits } = readOptions("queryProfile", options, { field: toName, ...CALL_OPTIONS });
    const { profile, fields } = await this.#parsed<{ profile: Omit<Profile, "fields">; fields: [string, string][] }>(
      limits,
      (federation) => federation.query_profile(user, field),
    );
    return { ...profile, fields: new Map(fields) };
  }

  /**
   * Whose token it is that a user gave to somebody to prove who they are.
   *
   * @returns The user ID: one of that server.
   * @see https://spec.matrix.org/v1.19/server-server-api/#openid
   */
  async openidUserinfo(serverName: string, accessToken: string, options?: CallOptions): Promise<string> {
    const server = toName(serverName, "the server name of openidUserinfo");
    const token = toName(accessToken, "the token of openidUserinfo");
    return this.#json("openidUserinfo", options, (federation) => federation.openid_userinfo(server, token));
  }

  /**
   * Takes an event into a room and fetches what it waits for: keys, the events between it and what is there, and
   * those that they cite; where they are not to be had, the state before it.
   *
   * @param serverName A server of the room, such as the one that sent the event.
   * @param room It must use our {@link keys}, as one that was joined does.
   * @param options.maxEvents How many events are fetched before the state is asked for; by default 100.
   * @returns What was done. That another server does not help is no exception.
   * @throws FedproofError `aborted`, `timed_out`, `invalid_argument`, `invalid_option`.
   */
  async fillGap(
    serverName: string,
    room: Room,
    event: EventInput,
    options: { maxEvents?: number | undefined } & RoomAt,
  ): Promise<FilledGap> {
    const where = "fillGap";
    const server = toName(serverName, "the server name of fillGap");
    const { roomId, roomVersion, maxEvents = 100, ...limits } = readOptions(where, options, {
      ...ROOM_AT,
      maxEvents: toCount,
    });
    const at = {
      roomId: required(roomId, where, "roomId", "the room"),
      roomVersion: required(roomVersion, where, "roomVersion", 'such as "11"'),
    };
    if (!(room instanceof Room)) throw invalidArgument("the room of fillGap", "a Room of this copy of fedproof", room);
    const first = copyOf(toBytes(event, "the event of fillGap"));
    return new GapFiller(this, server, room, at, this.#limited(limits)).fill(first, maxEvents);
  }

  #member(
    where: string,
    options: Omit<JoinRoomOptions, "omitMembers" | "trace" | "evidence">,
  ): { room: string; user: string; servers: string[]; content: Uint8Array | undefined; limits: CallOptions } {
    const { roomId, userId, via, content, ...limits } = readOptions(where, options, MEMBER);
    return {
      room: required(roomId, where, "roomId", "the room"),
      user: required(userId, where, "userId", "our user"),
      servers: required(via, where, "via", "servers in the room"),
      content,
      limits,
    };
  }

  #at(
    where: string,
    serverName: string,
    eventId: string,
    options: RoomAt,
  ): { server: string; event: string; room: string; version: string; limits: CallOptions } {
    const { roomId, roomVersion, ...limits } = readOptions(where, options, ROOM_AT);
    return {
      server: toName(serverName, `the server name of ${where}`),
      event: toName(eventId, `the event ID of ${where}`),
      room: required(roomId, where, "roomId", "the room"),
      version: required(roomVersion, where, "roomVersion", 'such as "11"'),
      limits,
    };
  }

  /** Reads the options of a call that has no others, and has it. */
  async #json<T>(where: string, options: CallOptions | undefined, start: Start): Promise<T> {
    return this.#parsed(readOptions(where, options, CALL_OPTIONS), start);
  }

  async #parsed<T>(limits: CallOptions, start: Start): Promise<T> {
    const { json } = await this.#drive(limits, start);
    return JSON.parse(json) as T;
  }

  #drive(limits: CallOptions, start: Start): Promise<Ended> {
    const key = this.#signingKey;
    return drive(() => residentOf(this.keys).use((ring) => start(this.#enter(ring))), this.#host, {
      ...this.#limited(limits),
      onServerKeys: (fetched) => remember(this.keys, fetched),
      sign: key && ((message) => signMessage(key, message)),
    });
  }

  /** The limits of a call, with ours where it has none. */
  #limited(limits: CallOptions): CallOptions {
    const { timeLimit, stepTimeLimit } = this.#limits;
    return {
      ...limits,
      timeLimit: limits.timeLimit ?? timeLimit,
      stepTimeLimit: limits.stepTimeLimit ?? stepTimeLimit,
    };
  }

  /** The one inside the module: a new one when the ring was made again, which it shares. */
  #enter(ring: WasmKeyRing): WasmFederation {
    if (this.#inside?.ring !== ring) {
      const federation = ring.federation(
        this.serverName,
        this.#signingKey?.keyId,
        this.#notaries,
        this.#host.capabilities,
      );
      this.#inside = { federation, ring };
    }
    return this.#inside.federation;
  }
}

type Start = (federation: WasmFederation) => Operation;

/** Tells how far the work is that is done outside of conversations. */
function tell({ onProgress }: CallOptions, progress: Progress): void {
  try {
    onProgress?.(progress);
  } catch (cause) {
    throw callbackFailed(cause);
  }
}

const ROOM_AT = { roomId: toName, roomVersion: toRoomVersion, ...CALL_OPTIONS };
const MEMBER = { roomId: toName, userId: toName, via: toNames, content: toBytes, ...CALL_OPTIONS };

/** An option that is a list of names. */
function toNames(value: unknown, where: string): string[] {
  if (!Array.isArray(value)) throw invalidArgument(where, "an array of strings", value);
  return value.map((name: unknown, index) => toName(name, `item ${index} of ${where}`));
}

/** An option that is a list of events. */
function toEvents(value: unknown, where: string): Uint8Array[] {
  if (!Array.isArray(value)) throw invalidArgument(where, "an array of events", value);
  return value.map((event: unknown, index) => toBytes(event, `item ${index} of ${where}`));
}

/** An option that counts something. */
function toCount(value: unknown, where: string): number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 1_000_000) {
    throw invalidArgument(where, "a whole number from 1 to 1000000", value);
  }
  return value as number;
}

function toLatest(value: unknown, where: string): [string, string[]][] {
  if (!Array.isArray(value)) throw invalidArgument(where, "an array", value);
  return value.map((entry: unknown, index) => {
    const place = `item ${index} of ${where}`;
    const { eventId, prevEvents } = readOptions(place, entry, { eventId: toName, prevEvents: toNames });
    return [
      required(eventId, place, "eventId", "the ID of the event"),
      required(prevEvents, place, "prevEvents", "the IDs of its previous events"),
    ];
  });
}

/** Events as one JSON array, each as the bytes it is. */
function listOf(events: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [encodeText("[")];
  for (const event of events) parts.push(...(parts.length > 1 ? [encodeText(",")] : []), event);
  parts.push(encodeText("]"));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
