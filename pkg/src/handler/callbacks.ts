/** What the callbacks of a handler are told. */
import type { Room } from "../state.js";

/** Of what a verdict is. */
export interface VerdictContext {
  room: Room;
  roomId: string;
  /** The server that sent the event, or for whose event it was fetched. */
  origin: string;
}

/** Ephemeral data, as it came: nothing of it is signed. */
export interface Edu {
  edu_type: string;
  content: Record<string, unknown>;
}

/** An invite that is proven to be by whom it says. */
export interface ReceivedInvite {
  /** The server that asks us to sign it. */
  origin: string;
  roomId: string;
  /** By the word of the other server. An invite in the form of before v2 says none: it is of version 1 or 2, and `"1"` stands here. */
  roomVersion: string;
  eventId: string;
  /** Who invites. */
  sender: string;
  /** Who is invited, a user of our server. */
  userId: string;
  /** The event, canonical JSON text. */
  event: string;
  /** State for the invited user to look at; it is trusted for nothing. */
  roomState: Record<string, unknown>[];
}

/** What is decided about an invite: `true` takes it; `false` and an error code turn it down. */
export type InviteDecision = boolean | { errcode: "M_FORBIDDEN" | "M_INVITE_BLOCKED"; reason?: string | undefined };
