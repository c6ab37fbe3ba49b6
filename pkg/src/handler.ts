/** What our server answers to others, as a Fetch-style handler. */
import { invalidArgument } from "./errors.js";
import { Federation } from "./federation.js";
import type { FetchAnswer, FetchRequest } from "./fetch-types.js";
import { answer, Refusal } from "./handler/answer.js";
import { authenticate } from "./handler/authenticate.js";
import { Bodies, type BodyShare, readBody, tooBusy } from "./handler/body.js";
import type { Edu, InviteDecision, ReceivedInvite, VerdictContext } from "./handler/callbacks.js";
import { Invites } from "./handler/invites.js";
import { Deadline } from "./handler/limits.js";
import { OwnKeys } from "./handler/own-keys.js";
import { RoomsHeld } from "./handler/rooms.js";
import { route, type Routed } from "./handler/routes.js";
import { Transactions } from "./handler/transactions.js";
import type { Awaitable } from "./host.js";
import { toName } from "./input.js";
import { readOptions, required } from "./options.js";
import { type OldKey, toOldKeys, toSigningKeys } from "./published-keys.js";
import type { SigningKey } from "./signing.js";
import type { Room } from "./state.js";
import { LONGEST_TIMER } from "./turns.js";
import { parseServerName } from "./values.js";
import type { Verdict } from "./verdict.js";

/** Options of {@link createHandler}. */
export interface HandlerOptions {
  /** Our server, as it speaks to others: keys and missing events are fetched by it. */
  federation: Federation;
  /** The keys that our server publishes. The first one signs invites; give it to the federation too. */
  signingKeys: SigningKey | readonly SigningKey[];
  oldKeys?: readonly OldKey[] | undefined;
  /**
   * The rooms that we hold, by ID; undefined for others. A room must have the keys of the federation
   * (`keys: federation.keys`), as those of `federation.join` do.
   */
  rooms: (roomId: string) => Awaitable<Room | undefined>;
  /** What `/.well-known/matrix/server` says: the name of the server that answers for ours. Without it, the path is unknown. */
  wellKnown?: string | undefined;
  /** What software we say we run. */
  version?: { name?: string | undefined; version?: string | undefined } | undefined;
  /** Decides about an invite of a user of ours. Without it, none is taken. */
  decideInvite?: ((invite: ReceivedInvite) => Awaitable<InviteDecision>) | undefined;
  /** Told of an invite that was taken, with the event as both servers have signed it, before it is answered. */
  onInvite?: ((invite: ReceivedInvite) => Awaitable<unknown>) | undefined;
  /**
   * Told of each verdict that comes about, also on events that were fetched, in the order of the room, before the
   * transaction is answered. Of an event that is there it is not told again, also when it threw.
   */
  onVerdict?: ((verdict: Verdict, context: VerdictContext) => Awaitable<unknown>) | undefined;
  /**
   * Told of ephemeral data: that of users of the server that sent it, in rooms whose ACL lets that server in.
   * Beyond that it is judged by nobody. What is about other users is taken out, and types that the
   * specification does not have are dropped.
   */
  onEdu?: ((edu: Edu, context: { origin: string }) => Awaitable<unknown>) | undefined;
  /** Told of what another callback threw, or the package; the other server is answered 500. */
  onError?: ((error: unknown, context: { method: string; target: string }) => void) | undefined;
  /** How long a request may take (ms): half of it for asking others. By default a minute. */
  timeLimit?: number | undefined;
  /** How many signed requests are worked at at once; what is more is answered 429. By default 100. */
  maxConcurrent?: number | undefined;
  /** What time it is (ms since 1970). */
  now?: (() => number) | undefined;
}

/** How a request came. */
export interface Received {
  /**
   * Path and query as they stood in the request line (`request.url` of `node:http`). `Request` keeps them as
   * `URL` writes them anew; where that makes a difference, the signature does not fit any more.
   */
  target?: string | undefined;
}

/** Answers a request; see {@link createHandler}. Other members of the second argument, as platforms give them, are passed over. */
export type Handler = (request: FetchRequest, received?: Received | object) => Promise<FetchAnswer>;

/**
 * The least that a server must answer to take part in a conversation: its keys, where and what it is, invites
 * of its users, and transactions for rooms it holds.
 *
 * | request | answer |
 * |---|---|
 * | `GET /_matrix/key/v2/server` | our keys, signed anew every half day |
 * | `GET /.well-known/matrix/server` | the name in `wellKnown` |
 * | `GET /_matrix/federation/v1/version` | `version` |
 * | `PUT /_matrix/federation/v2/invite/…`, `v1` | the invite, signed by us, if `decideInvite` takes it |
 * | `PUT /_matrix/federation/v1/send/…` | of each event nothing, or the check and the rule that speak against it |
 *
 * Who makes a request is proven before anything else is done for it; keys that are missing are fetched. A
 * server that the ACL of a room denies gets 403, or an error for each of its events. Every event passes
 * through all checks of its `Room`, which fetches what it rests on from the server that sent it; rooms do not
 * wait for each other. A transaction that is sent again gets the same answer again.
 *
 * The handler needs nothing but Fetch: it is mounted in Node, Deno, workers. It never rejects, but for an
 * argument that is no request.
 *
 * @throws FedproofError as `publishedKeys`; `invalid_argument`, `invalid_option`.
 * @example
 * const handler = createHandler({ federation, signingKeys: key, rooms: (roomId) => rooms.get(roomId) });
 * Deno.serve({ port: 8448, cert, key: tlsKey }, handler);
 */
export function createHandler(options: HandlerOptions): Handler {
  const where = "createHandler";
  const read = readOptions(where, options, {
    federation: toFederation,
    signingKeys: toSigningKeys,
    oldKeys: toOldKeys,
    rooms: toCallback<HandlerOptions["rooms"]>,
    wellKnown: toName,
    version: toVersion,
    decideInvite: toCallback<NonNullable<HandlerOptions["decideInvite"]>>,
    onInvite: toCallback<NonNullable<HandlerOptions["onInvite"]>>,
    onVerdict: toCallback<NonNullable<HandlerOptions["onVerdict"]>>,
    onEdu: toCallback<NonNullable<HandlerOptions["onEdu"]>>,
    onError: toCallback<NonNullable<HandlerOptions["onError"]>>,
    timeLimit: toPositive,
    maxConcurrent: toPositive,
    now: toCallback<() => number>,
  });
  const federation = required(read.federation, where, "federation", "a Federation");
  const [key, ...others] = required(read.signingKeys, where, "signingKeys", "the keys of our server");
  const rooms = required(read.rooms, where, "rooms", "which rooms we hold");
  const { wellKnown, version = { name: "fedproof" }, now = Date.now } = read;
  if (wellKnown !== undefined) parseServerName(wellKnown);
  const held = new RoomsHeld(rooms, federation.keys);
  const answers: Answers = {
    federation,
    now,
    ownKeys: new OwnKeys(federation.serverName, [key, ...others], read.oldKeys ?? [], now()),
    wellKnown: wellKnown === undefined ? undefined : JSON.stringify({ "m.server": wellKnown }),
    version: JSON.stringify({ server: version }),
    invites: new Invites(federation, key, held, read),
    transactions: new Transactions(federation, held, read),
    timeLimit: read.timeLimit ?? 60_000,
    maxConcurrent: read.maxConcurrent ?? 100,
    bodies: new Bodies(),
    underWay: 0,
  };
  return async (request, received) => {
    const { method, target, isRaw } = readRequest(request, received);
    try {
      const routed = route(method, target, (name) => name !== "wellKnown" || answers.wellKnown !== undefined);
      return await serve(request, routed, { method, target, isRaw }, answers);
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.toResponse();
      try {
        read.onError?.(thrown, { method, target });
      } catch {
        // There is nobody left to tell.
      }
      return new Refusal(500, "M_UNKNOWN", "this server failed to answer").toResponse();
    }
  };
}

/** What answers are made of. */
interface Answers {
  federation: Federation;
  now: () => number;
  ownKeys: OwnKeys;
  wellKnown: string | undefined;
  version: string;
  invites: Invites;
  transactions: Transactions;
  timeLimit: number;
  maxConcurrent: number;
  bodies: Bodies;
  /** How many signed requests are worked at. */
  underWay: number;
}

interface RequestLine {
  method: string;
  target: string;
  isRaw: boolean;
}

async function serve(request: Request, routed: Routed, line: RequestLine, answers: Answers): Promise<Response> {
  switch (routed.name) {
    case "keys":
      return answer(answers.ownKeys.answer(answers.now()));
    case "wellKnown":
      return answer(answers.wellKnown ?? "{}");
    case "version":
      return answer(answers.version);
    default:
  }
  if (answers.underWay >= answers.maxConcurrent) throw tooBusy();
  answers.underWay += 1;
  const share = answers.bodies.share();
  try {
    const deadline = new Deadline(answers.timeLimit);
    return answer(await deadline.keep(() => serveSigned(request, routed, line, answers, share, deadline)));
  } finally {
    share.giveBack();
    answers.underWay -= 1;
  }
}

/** Serves what is signed. */
async function serveSigned(
  request: Request,
  { name, parameters }: Routed,
  line: RequestLine,
  { federation, now, invites, transactions }: Answers,
  share: BodyShare,
  deadline: Deadline,
): Promise<string> {
  const authorization = request.headers.get("authorization");
  // Nobody says who it is by: it need not be read.
  const body = authorization === null ? undefined : await readBody(request, share, deadline.signal);
  const origin = await authenticate({ ...line, authorization, body }, federation, now, deadline);
  const [first = "", second = ""] = parameters;
  const content = body ?? new Uint8Array();
  if (name === "send") return transactions.receive(first, content, origin, deadline);
  const version = name === "inviteV1" ? "v1" : "v2";
  return invites.receive({ version, roomId: first, eventId: second, body: content, origin }, deadline);
}

function readRequest(request: unknown, received: unknown): RequestLine {
  const { method, url, headers } = (request ?? {}) as Partial<Request>;
  if (typeof method !== "string" || typeof url !== "string" || typeof headers?.get !== "function") {
    throw invalidArgument("the request of a handler", "a Request", request);
  }
  const target: unknown = (received as Received | null | undefined)?.target;
  if (typeof target === "string" && target.startsWith("/")) return { method, target, isRaw: true };
  const { pathname, search } = new URL(url);
  return { method, target: pathname + search, isRaw: false };
}

function toFederation(value: unknown, where: string): Federation {
  if (value instanceof Federation) return value;
  throw invalidArgument(where, "a Federation of this copy of fedproof", value);
}

function toCallback<F>(value: unknown, where: string): F {
  if (typeof value !== "function") throw invalidArgument(where, "a function", value);
  return value as F;
}

function toVersion(value: unknown, where: string): { name?: string | undefined; version?: string | undefined } {
  return readOptions(where, value, { name: toName, version: toName });
}

/** A time in milliseconds, or a number of requests. */
function toPositive(value: unknown, where: string): number {
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= LONGEST_TIMER) return value as number;
  throw invalidArgument(where, `a whole number from 1 to ${LONGEST_TIMER}`, value);
}
