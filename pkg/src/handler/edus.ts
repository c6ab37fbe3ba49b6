/** Ephemeral data: whose it is, and whether the rooms that it is about let its server in. */
import { ServerAcl } from "../acl.js";
import type { Edu } from "./callbacks.js";

/**
 * What of a piece of ephemeral data may be handed on: it speaks of users of the server that sent it, in rooms
 * that it may take part in. Undefined when nothing is left, and for types of which nobody here knows whom
 * they speak of.
 *
 * @param text JSON.
 * @param isAllowed Whether we hold a room, and its ACL allows the server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#edus
 */
export async function siftEdu(
  text: string,
  origin: string,
  isAllowed: (roomId: string) => Promise<boolean>,
): Promise<Edu | undefined> {
  const edu: unknown = JSON.parse(text);
  if (!isObject(edu) || typeof edu["edu_type"] !== "string" || !isObject(edu["content"])) return undefined;
  const { edu_type, content } = edu as unknown as Edu;
  const denied = new Set<string>();
  const rooms = ServerAcl.eduRooms(text);
  if (rooms.protection === "whole" && (rooms.room_id === undefined || !(await isAllowed(rooms.room_id)))) return undefined;
  if (rooms.protection === "by_room") {
    for (const roomId of rooms.rooms) if (!(await isAllowed(roomId))) denied.add(roomId);
  }
  const is = (userId: unknown): boolean => isOf(userId, origin);
  const whole = (holds: boolean): Edu | undefined => (holds ? { edu_type, content } : undefined);
  switch (edu_type) {
    case "m.typing":
    case "m.device_list_update":
    case "m.signing_key_update":
      return whole(is(content["user_id"]));
    case "m.direct_to_device":
      return whole(is(content["sender"]));
    case "m.presence": {
      const { push } = content;
      const own = Array.isArray(push) ? push.filter((one: unknown) => isObject(one) && is(one["user_id"])) : [];
      return own.length > 0 ? { edu_type, content: { ...content, push: own } } : undefined;
    }
    case "m.receipt": {
      const left = siftMembers(content, (receipts, roomId) =>
        denied.has(roomId) ? undefined : siftMembers(receipts, (users) => siftMembers(users, (said, user) => (is(user) ? said : undefined))),
      );
      return left && { edu_type, content: left };
    }
    default:
      return undefined;
  }
}

/** The members of an object that something is left of; undefined if that is none. */
function siftMembers(value: unknown, sift: (member: unknown, name: string) => unknown): Record<string, unknown> | undefined {
  if (!isObject(value)) return undefined;
  const left = Object.entries(value).flatMap(([name, member]) => {
    const kept = sift(member, name);
    return kept === undefined ? [] : [[name, kept] as const];
  });
  // Not by assignment, which a member named __proto__ would turn into something else.
  return left.length > 0 ? Object.fromEntries(left) : undefined;
}

function isOf(userId: unknown, server: string): boolean {
  return typeof userId === "string" && userId.startsWith("@") && userId.slice(userId.indexOf(":") + 1) === server && userId.includes(":");
}

/** An object, and no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
