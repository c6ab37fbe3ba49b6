/** What a state event says, in a few words. */
import { isObject } from "./event-files.js";

/** A short summary of the content of a state event; empty for content that is. */
export function contentInWords(type: string, content: unknown): string {
  if (!isObject(content) || Object.keys(content).length === 0) return "";
  const said = Object.hasOwn(SUMMARIES, type) ? SUMMARIES[type]?.(content) : undefined;
  return said === undefined || said === "" ? JSON.stringify(content) : said;
}

type Content = Record<string, unknown>;

const SUMMARIES: Readonly<Record<string, (content: Content) => string | undefined>> = {
  "m.room.create": ({ room_version, creator, type }) =>
    joined(`version ${word(room_version) ?? "1"}`, word(type), word(creator)),
  "m.room.member": (content) =>
    joined(word(content["membership"]), quoted(content["displayname"]), reasonIn(content)),
  "m.room.power_levels": powerInWords,
  "m.room.join_rules": ({ join_rule }) => word(join_rule),
  "m.room.history_visibility": ({ history_visibility }) => word(history_visibility),
  "m.room.guest_access": ({ guest_access }) => word(guest_access),
  "m.room.name": ({ name }) => quoted(name),
  "m.room.topic": ({ topic }) => quoted(topic),
  "m.room.canonical_alias": ({ alias }) => word(alias),
  "m.room.avatar": ({ url }) => word(url),
  "m.room.encryption": ({ algorithm }) => word(algorithm),
  "m.room.pinned_events": ({ pinned }) => (Array.isArray(pinned) ? `${pinned.length} pinned` : undefined),
  "m.room.server_acl": ({ allow, deny }) => joined(lengthOf("allow", allow), lengthOf("deny", deny)),
  "m.room.tombstone": ({ replacement_room, body }) => joined(word(replacement_room), quoted(body)),
  "m.room.third_party_invite": ({ display_name }) => quoted(display_name),
  "m.room.policy": ({ via }) => word(via),
  "m.space.child": ({ via }) => list(via),
  "m.space.parent": ({ via }) => list(via),
};

function reasonIn({ reason }: Content): string | undefined {
  const said = quoted(reason);
  return said === undefined ? undefined : `because ${said}`;
}

/** The users with a level of their own, the most powerful first. */
function powerInWords({ users, users_default }: Content): string {
  const levels = isObject(users) ? Object.entries(users) : [];
  const ranked = levels.sort(([, one], [, other]) => Number(other) - Number(one));
  const named = ranked.map(([user, level]) => `${user} ${word(level) ?? "?"}`);
  return joined(...named, users_default === undefined ? undefined : `others ${word(users_default) ?? "?"}`, "") || "defaults";
}

function lengthOf(name: string, value: unknown): string | undefined {
  return Array.isArray(value) ? `${name} ${value.length}` : undefined;
}

function list(value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0 ? value.map(String).join(", ") : undefined;
}

function word(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  return typeof value === "number" ? String(value) : undefined;
}

function quoted(value: unknown): string | undefined {
  return typeof value === "string" ? `“${value}”` : undefined;
}

function joined(...parts: (string | undefined)[]): string {
  return parts.filter(Boolean).join(", ");
}
