/** New events of a room of ours. */
import { type EventInput, encodeText, toBytes, toName, toTimestamp } from "./input.js";
import { readOptions, required } from "./options.js";
import type { Room as WasmRoom } from "./wasm/fedproof.js";

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

/** Checks what the event is to say; gives how a room makes it. */
export function toDraft(options: DraftOptions): (room: WasmRoom) => string {
  const where = "draft";
  const read = readOptions(where, options, CHECKS);
  const type = required(read.type, where, "type", 'such as "m.room.message"');
  const sender = required(read.sender, where, "sender", "a user of our server");
  const content = read.content ?? encodeText("{}");
  const ts = read.originServerTs ?? Date.now();
  // Only room versions 1 and 2 use it.
  const server = sender.slice(sender.indexOf(":") + 1);
  const eventId = `$${globalThis.crypto.randomUUID().replaceAll("-", "")}:${server}`;
  return (room) => room.draft(type, sender, read.stateKey, content, read.redacts, ts, eventId, read.roomId);
}
