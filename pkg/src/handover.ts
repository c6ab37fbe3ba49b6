/** What other servers hand over in conversations, judged before it is signed or believed. */
import { type EventInput, toBytes, toName, toRoomVersion, toTimestamp } from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { oneOf, readOptions, required } from "./options.js";
import { residentOf } from "./residents.js";
import { signEvent, type SigningKey, type SignOptions, toSigningKey, withSeed } from "./signing.js";
import type { Verdict } from "./verdict.js";
import { call } from "./wasm.js";

/** Options of {@link signTemplate}. */
export interface SignTemplateOptions extends SignOptions {
  /** The version of the room, as the answer that brought the template says. */
  roomVersion: string;
  /** The room that was asked about. */
  roomId: string;
  /** Our user, of `serverName`. */
  userId: string;
  membership: "join" | "knock" | "leave";
  /** When the event is made (ms since 1970); now unless said. */
  originServerTs?: number | undefined;
  /** What else the content is to say, such as `displayname`. */
  content?: EventInput | undefined;
}

/**
 * Makes and signs the event for a change of a membership, by a template of another server
 * (`make_join`, `make_knock`, `make_leave`).
 *
 * The template is not signed as it comes: it must be for this change, and the event is made anew. Only
 * its place in the room (`depth`, `prev_events`, `auth_events`) and, for a restricted join, the user who
 * lets ours in are taken over.
 *
 * @param template The `event` of the answer.
 * @returns The event with hash and signature, as canonical JSON text.
 * @throws FedproofError `template_type_mismatch`, `template_sender_mismatch`,
 * `template_state_key_mismatch`, `template_room_id_mismatch`, `template_membership_mismatch`,
 * `template_user_not_ours`; the codes of check 1 for what is malformed; `unknown_room_version`,
 * `server_name_invalid`, `key_disposed`, `lossy_object`, `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export function signTemplate(template: EventInput, options: SignTemplateOptions): string {
  const where = "signTemplate";
  const read = readOptions(where, options, {
    serverName: toName,
    key: toSigningKey,
    roomVersion: toRoomVersion,
    roomId: toName,
    userId: toName,
    membership: oneOf("join", "knock", "leave"),
    originServerTs: toTimestamp,
    content: toBytes,
  });
  const key = required(read.key, where, "key", "a SigningKey");
  const server = required(read.serverName, where, "serverName", "the name of the server");
  const version = required(read.roomVersion, where, "roomVersion", 'such as "11"');
  const roomId = required(read.roomId, where, "roomId", "the room that was asked about");
  const userId = required(read.userId, where, "userId", "our user");
  const membership = required(read.membership, where, "membership", "join, knock or leave");
  const bytes = toBytes(template, "the template of signTemplate");
  // Only room versions 1 and 2 use it.
  const eventId = `$${globalThis.crypto.randomUUID().replaceAll("-", "")}:${server}`;
  return withSeed(key, (seed) =>
    call((wasm) =>
      wasm.sign_template(
        seed,
        key.keyId,
        server,
        bytes,
        version,
        roomId,
        userId,
        membership,
        read.originServerTs ?? Date.now(),
        eventId,
        read.content,
      ),
    ),
  );
}

/** Options of {@link checkInvite}. */
export interface CheckInviteOptions {
  /** Our server. */
  serverName: string;
  /** The server that made the request, as its authentication proved. */
  origin: string;
  /** The room ID in the request's path, decoded. */
  roomId: string;
  /** The event ID in the request's path, decoded. */
  eventId: string;
  /** Keys of servers; without those of the sender's the answer is `incomplete`. */
  keys?: KeyRing | undefined;
  /** Our key: with it, an invite that may be signed is. */
  key?: SigningKey | undefined;
}

/** What {@link checkInvite} says. */
export type InviteJudgment =
  | {
      outcome: "accepted";
      room_version: string;
      /** Checks 1 to 3 of the event. */
      verdict: Verdict;
      /** The event; signed by us when a key was given: answer `{"event": …}`. Canonical JSON text. */
      event: string;
      /** State for the invited user to look at, as JSON; it is not trusted for anything. */
      room_state: Record<string, unknown>[];
    }
  | {
      /** `incomplete`: keys are missing. */
      outcome: "refused" | "incomplete";
      code: string;
      reason: string;
      /** What to answer; absent while keys are missing. */
      status?: number;
      errcode: string;
      missing: string[];
    };

/**
 * Judges an invite that another server asks ours to sign, and signs it if a key is given.
 *
 * @param body The body of `PUT /_matrix/federation/v2/invite/{roomId}/{eventId}`.
 * @throws FedproofError `json_*`, `not_an_object`, `lossy_object`, `invalid_argument`,
 * `invalid_option`. What is wrong with the invite is no exception.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
 */
export function checkInvite(body: EventInput, options: CheckInviteOptions): InviteJudgment {
  const where = "checkInvite";
  const read = readOptions(where, options, {
    serverName: toName,
    origin: toName,
    roomId: toName,
    eventId: toName,
    keys: toKeyRing,
    key: toSigningKey,
  });
  const serverName = required(read.serverName, where, "serverName", "the name of our server");
  const origin = required(read.origin, where, "origin", "the server that made the request");
  const roomId = required(read.roomId, where, "roomId", "the room ID in the path");
  const eventId = required(read.eventId, where, "eventId", "the event ID in the path");
  const bytes = toBytes(body, "the body of checkInvite");
  const judged = JSON.parse(
    residentOf(read.keys ?? emptyRing()).use((ring) =>
      ring.check_invite(bytes, roomId, eventId, origin, serverName),
    ),
  ) as InviteJudgment;
  if (judged.outcome === "accepted" && read.key !== undefined) {
    judged.event = signEvent(judged.event, { serverName, key: read.key, roomVersion: judged.room_version });
  }
  return judged;
}

/** Options of {@link checkJoinAnswer}. */
export interface CheckJoinAnswerOptions {
  /** The version of the room, by which the join event was made. */
  roomVersion: string;
  /** The room that was joined. */
  roomId: string;
  /** Keys of servers; events by others fall out. */
  keys?: KeyRing | undefined;
}

/** What {@link checkJoinAnswer} says: verdicts by checks 1 to 3. */
export interface JoinAnswer {
  state: Verdict[];
  auth_chain: Verdict[];
  /** Events of either list that fall out: malformed, of another room, not proven to be by whom they say. */
  dropped: Verdict[];
}

/**
 * Judges the answer to a join (`send_join`): is it the state of this room, and which of its events are
 * proven? Whether the events are allowed takes the room as a whole, and is not judged here.
 *
 * @throws FedproofError `join_answer_incomplete`, `join_answer_no_create`, `join_answer_other_room`,
 * `join_answer_room_version`, `join_answer_conflict`; `json_*`, `not_an_object`,
 * `unknown_room_version`, `lossy_object`, `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export function checkJoinAnswer(answer: EventInput, options: CheckJoinAnswerOptions): JoinAnswer {
  const where = "checkJoinAnswer";
  const { roomVersion, roomId, keys } = readOptions(where, options, {
    roomVersion: toRoomVersion,
    roomId: toName,
    keys: toKeyRing,
  });
  const version = required(roomVersion, where, "roomVersion", 'such as "11"');
  const room = required(roomId, where, "roomId", "the room that was joined");
  const bytes = toBytes(answer, "the answer of checkJoinAnswer");
  return JSON.parse(
    residentOf(keys ?? emptyRing()).use((ring) => ring.check_join_answer(bytes, version, room)),
  ) as JoinAnswer;
}
