/** What an event is about, for people who run a room and need not know its format. */
import type { Verdict } from "../index.js";
import { isObject } from "./event-files.js";
import { printable } from "./style.js";

/** An event in words. */
export interface Words {
  /** A sentence: `@b:x wants to ban @c:x from the room`. */
  what: string;
  /** What it comes to when servers do not take the event: `@c:x is not banned`. */
  otherwise: string;
}

/** Finds what a user was to the room before, as far as somebody looked. */
export type Standing = (user: string) => string | undefined;

/** `event` is what `JSON.parse` made of it: good enough for words. */
export function wordsFor(verdict: Verdict, event: unknown, standing: Standing): Words {
  const fields = isObject(event) ? event : {};
  const content = isObject(fields["content"]) ? fields["content"] : {};
  const { type, sender, state_key: stateKey } = verdict;
  if (type === undefined || sender === undefined) {
    return { what: "This is not an event that could be read", otherwise: "it has no effect" };
  }
  const said = { sender, type, stateKey, content, redacts: fields["redacts"] ?? content["redacts"] };
  if (type === "m.room.member") return memberWords(said, standing);
  const known = Object.hasOwn(KNOWN, type) ? KNOWN[type]?.(said) : undefined;
  const [does, otherwise] = known ?? unknownWords(said);
  return { what: `${userInWords(sender)} wants to ${does}`, otherwise };
}

interface Said {
  sender: string;
  type: string;
  stateKey: string | undefined;
  content: Record<string, unknown>;
  redacts: unknown;
}

type Clauses = readonly [does: string, otherwise: string];

const UNSEEN = "nobody sees it";
const UNCHANGED = "nothing changes";

/** Types that people have words for. */
const KNOWN: Readonly<Record<string, (said: Said) => Clauses>> = {
  "m.room.create": () => ["create the room", "there is no such room"],
  "m.room.message": () => ["send a message", UNSEEN],
  "m.room.encrypted": () => ["send an encrypted message", UNSEEN],
  "m.sticker": () => ["send a sticker", UNSEEN],
  "m.reaction": () => ["react to a message", UNSEEN],
  "m.room.redaction": ({ redacts }) => [`redact ${quoted(redacts) ?? "an event"}`, "nothing is redacted"],
  "m.room.power_levels": () => ["change the power levels, which say who may do what", UNCHANGED],
  "m.room.join_rules": ({ content }) => [`change who may join${to(content["join_rule"])}`, UNCHANGED],
  "m.room.history_visibility": ({ content }) => [
    `change who may read the history${to(content["history_visibility"])}`,
    UNCHANGED,
  ],
  "m.room.guest_access": ({ content }) => [`change whether guests may join${to(content["guest_access"])}`, UNCHANGED],
  "m.room.name": ({ content }) => [`change the name of the room${to(content["name"])}`, UNCHANGED],
  "m.room.topic": ({ content }) => [`change the topic of the room${to(content["topic"])}`, UNCHANGED],
  "m.room.avatar": () => ["change the picture of the room", UNCHANGED],
  "m.room.canonical_alias": ({ content }) => [`change the address of the room${to(content["alias"])}`, UNCHANGED],
  "m.room.aliases": () => ["change the addresses of the room", UNCHANGED],
  "m.room.pinned_events": () => ["change what is pinned", UNCHANGED],
  "m.room.encryption": () => ["have messages encrypted", UNCHANGED],
  "m.room.server_acl": () => ["change which servers may take part", UNCHANGED],
  "m.room.policy": () => ["change the policy server of the room", UNCHANGED],
  "m.room.tombstone": () => ["close the room and move on to another", "the room stays open"],
  "m.room.third_party_invite": () => ["invite somebody by an address that is not of Matrix", "nobody is invited"],
  "m.space.child": () => ["add a room to the space, or remove one", UNCHANGED],
  "m.space.parent": () => ["say which space the room belongs to", UNCHANGED],
};

function unknownWords({ type, stateKey }: Said): Clauses {
  if (stateKey === undefined) return [`send an event of the type ${quoted(type)}`, UNSEEN];
  const key = stateKey === "" ? "" : ` with the key ${quoted(stateKey)}`;
  return [`change the state ${quoted(type)}${key}`, UNCHANGED];
}

function memberWords({ sender, stateKey, content }: Said, standing: Standing): Words {
  const by = userInWords(sender);
  const user = stateKey === undefined ? "somebody" : userInWords(stateKey);
  const words = (does: string, otherwise: string): Words => ({ what: `${by} wants to ${does}`, otherwise });
  const membership = content["membership"];
  const before = stateKey === undefined ? undefined : standing(stateKey);
  const own = sender === stateKey;
  switch (membership) {
    case "join": {
      if (!own) return words(`make ${user} join`, `${user} does not join`);
      if (before === "join") return words("stay joined, with a new name or picture perhaps", UNCHANGED);
      const authoriser = content["join_authorised_via_users_server"];
      const helped = typeof authoriser === "string" ? `, let in by ${userInWords(authoriser)}` : "";
      return words(`join the room${helped}`, `${user} does not get in`);
    }
    case "invite":
      return words(`invite ${user}`, `${user} is not invited`);
    case "leave":
      return own ? ownLeave(words, before, user) : othersLeave(words, before, user);
    case "ban":
      return words(`ban ${user} from the room`, `${user} is not banned by it`);
    case "knock":
      return words("be let in (a knock)", "nobody is asked");
    default:
      return words(`change the membership of ${user}${to(membership)}`, UNCHANGED);
  }
}

type Make = (does: string, otherwise: string) => Words;

function ownLeave(words: Make, before: string | undefined, user: string): Words {
  if (before === "invite") return words("decline an invite", "the invite stands");
  if (before === "knock") return words("take back a knock", "the knock stands");
  return words("leave the room", before === "join" ? `${user} stays in it` : UNCHANGED);
}

function othersLeave(words: Make, before: string | undefined, user: string): Words {
  if (before === "ban") return words(`lift the ban of ${user}`, `${user} stays banned`);
  if (before === "invite") return words(`withdraw the invite of ${user}`, "the invite stands");
  if (before === "knock") return words(`turn down the knock of ${user}`, "the knock stands");
  return words(
    `remove ${user} from the room (a kick)`,
    before === undefined || before === "join" ? `${user} is not removed` : UNCHANGED,
  );
}

/** `, to “x”`, for values that are short texts. */
function to(value: unknown): string {
  const shown = quoted(value);
  return shown === undefined ? "" : `, to ${shown}`;
}

const MOST = 80;

function quoted(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = [...value];
  return `“${printable(text.length > MOST ? `${text.slice(0, MOST).join("")}…` : value)}”`;
}

/** A user as they are; in quotes what is none and could pass for words of ours. */
export function userInWords(user: string): string {
  return /^@[!-~]+:[!-~]+$/.test(user) ? user : String(quoted(user));
}
