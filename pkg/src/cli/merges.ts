/** Where a room came together again: the events before which states had to be resolved. */
import type { RoomReceiver } from "../receiver.js";
import { referencesIn } from "./event-book.js";

/** An event that follows on several, whose states differ. */
export interface Merge {
  eventId: string;
  /** The places in which they differ. */
  places: { type: string; state_key: string }[];
}

/** How far it is looked back. */
const MOST_EVENTS = 20_000;
const MOST_MERGES = 200;

/** The merges that are found first on the way back from the ends of a room, at most `most`. */
export function mergesBefore(room: RoomReceiver, ends: readonly string[], most: number): Merge[] {
  const found: Merge[] = [];
  const seen = new Set(ends);
  let looked = 0;
  // A queue by depth would be exact; the order in which they are met is near enough.
  for (const eventId of seen) {
    if (seen.size > MOST_EVENTS || looked >= MOST_MERGES || found.length >= most) break;
    const event = room.event(eventId);
    if (event === undefined) continue;
    const previous = referencesIn(event.pdu, "prev_events");
    for (const id of previous) seen.add(id);
    if (previous.length < 2) continue;
    looked += 1;
    const places = room.trace(previous).conflicted;
    if (places.length > 0) found.push({ eventId, places });
  }
  return found;
}
