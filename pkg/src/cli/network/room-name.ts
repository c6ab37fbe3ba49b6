/** Rooms by ID or alias, and the servers to ask about them. */
import type { Federation } from "../../index.js";
import { UsageError } from "../usage.js";

/** A room, and who is asked about it. */
export interface RoomAddress {
  roomId: string;
  via: string[];
}

/** Finds a room: an alias is asked of its own server, which names servers in the room, too. */
export async function findRoom(
  room: string,
  via: readonly string[],
  federation: Federation,
  signal: AbortSignal,
): Promise<RoomAddress> {
  if (!room.startsWith("#") && !room.startsWith("!")) {
    throw new UsageError(`${room} is no room: an ID begins with "!", an alias with "#"`, {
      hint: "In a shell both want quotes: '!abc:example.org'.",
    });
  }
  if (room.startsWith("!")) {
    if (via.length > 0) return { roomId: room, via: [...via] };
    throw new UsageError("--via is needed: the ID of a room does not say which servers are in it");
  }
  const { room_id, servers } = await federation.queryDirectory(room, { signal });
  return { roomId: room_id, via: via.length > 0 ? [...via] : servers.slice(0, MOST_SERVERS) };
}

const MOST_SERVERS = 5;
