/** New events of a room of ours. */
import { type EventInput, encodeText, toBytes, toName, toTimestamp } from "./input.js";
import { readOptions, required } from "./options.js";

/** What a new event is to say, for `Room.draft`. */
export interface DraftOptions {
  type: string;
  /** A user of our server. */
  sender: string;
  /** Of a state event; `""` for most types. */
  stateKey?: string | undefined;
  /** By default `{}`. */
  content?: EventInput | undefined;
  /** The ID of the event that a redaction redacts. It is put where the room version has it. */
  redacts?: string | undefined;
  /** When it is made (ms since 1970); now unless said. */
  originServerTs?: number | undefined;
  /**
   * The room, for the first event of one up to room version 11. From 12 on, the create event makes the ID, and all
   * other events have that of their room.
   */
  roomId?: string | undefined;
}

const CHECKS = {
  type: toName,
  sender: toName,
  stateKey: toName,
  content: toBytes,
  redacts: toName,
  originServerTs: toTimestamp,
  roomId: toName,
};

/** What the module is told. */
export type DraftArguments = [
  type: string,
  sender: string,
  stateKey: string | undefined,
  content: Uint8Array,
  redacts: string | undefined,
  originServerTs: number,
  eventId: string,
  roomId: string | undefined,
];

/** Checks what the event is to say. */
export function toDraft(options: DraftOptions): DraftArguments {
  const where = "draft";
  const read = readOptions(where, options, CHECKS);
  const type = required(read.type, where, "type", 'such as "m.room.message"');
  const sender = required(read.sender, where, "sender", "a user of our server");
  const content = read.content ?? encodeText("{}");
  // Only room versions 1 and 2 use it.
  const server = sender.slice(sender.indexOf(":") + 1);
  const eventId = `$${globalThis.crypto.randomUUID().replaceAll("-", "")}:${server}`;
  return [type, sender, read.stateKey, content, read.redacts, read.originServerTs ?? Date.now(), eventId, read.roomId];
}
