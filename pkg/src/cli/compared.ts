/** The values that a rule compared, for people. */
import wrap from "wrap-ansi";
import type { RuleStep } from "../index.js";
import { isObject } from "./event-files.js";
import { type Paint, printable } from "./style.js";

/** Values by their names, as a step of a path or the evidence of a check has them. */
export type Compared = Record<string, unknown>;

/** A line of what was compared. */
export type Fact = readonly [name: string, value: string];

/** A level, and where it is from. */
interface Level {
  user?: string;
  level: number | string;
  from: string;
}

/** What was compared, a line each; the events it is from come last. */
export function comparedFacts(compared: Compared): Fact[] {
  const facts: Fact[] = isStanding(compared)
    ? [["user", standingInWords(compared)]]
    : Object.entries(compared)
        .filter(([name]) => name !== "event_id" && name !== "events_read")
        .map(([name, value]) => [name, valueInWords(name, value)]);
  const ids = eventIdsIn(compared);
  return [...facts, ...ids.map((id, index): Fact => [index === 0 ? "read in" : "", id])];
}

/** Facts below each other, from a column on; a long value hangs below where it began. */
export function factLines(facts: readonly Fact[], column: number, width: number, paint: Paint): string[] {
  const widest = Math.max(0, ...facts.map(([name]) => name.length));
  const hanging = column + widest + 2;
  return facts.flatMap(([name, value]) => {
    // Ids have no spaces to break at.
    const options = { hard: true, wordWrap: /\s/.test(value) };
    const [first = "", ...others] = wrap(printable(value), Math.max(width - hanging, 16), options).split("\n");
    const label = paint("dim", printable(name).padEnd(widest));
    return [`${" ".repeat(column)}${label}  ${first}`, ...others.map((text) => " ".repeat(hanging) + text)];
  });
}

/** The levels that were compared, as a sentence; undefined where there are none. */
export function levelsInWords(compared: Compared): string | undefined {
  const clauses = Object.entries(compared).flatMap(([name, value]) => {
    if (!isLevel(value)) return [];
    const amount = `${value.level} (${sourceInWords(value.from)})`;
    return [value.user === undefined ? `${ACTS[name] ?? name} takes ${amount}` : `${value.user} has level ${amount}`];
  });
  if (clauses.length < 2) return undefined;
  return `${clauses.slice(0, -1).join(", ")} and ${clauses.at(-1)}`;
}

/** What allowed an event, as a sentence, as far as there are words for it. */
export function groundsInWords(compared: Compared): string | undefined {
  const levels = levelsInWords(compared);
  if (levels !== undefined) return levels;
  if (isStanding(compared)) return isInWords(compared);
  const { join_rule: rule, sender, is_only_previous_event: first, creator } = compared;
  if (first === true && typeof creator === "string") return `${creator} has just created the room`;
  if (typeof rule !== "string") return undefined;
  const standing = isObject(sender) && isStanding(sender) ? ` and ${isInWords(sender)}` : "";
  return `the join rule is ${rule}${standing}`;
}

/** What a user was to the room, by what the rules looked at. */
export function standingIn(path: readonly RuleStep[], user: string): string | undefined {
  for (const { compared = {} } of path) {
    for (const value of [compared, ...Object.values(compared)]) {
      if (isObject(value) && isStanding(value) && value.user === user) return value.membership;
    }
  }
  return undefined;
}

/** What takes a level. */
const ACTS: Readonly<Record<string, string>> = {
  kick: "removing others",
  ban: "banning others",
  invite: "inviting",
  redact: "redacting",
  required: "an event of this type",
};

function valueInWords(name: string, value: unknown): string {
  if (isLevel(value)) {
    const { user, level, from } = value;
    return `${user === undefined ? "" : `${user} has `}${level} (${sourceInWords(from)})`;
  }
  if (isObject(value) && isStanding(value)) return standingInWords(value);
  if (isTexts(value)) return value.join(name === "key" ? " › " : ", ") || "none";
  if (Array.isArray(value) && value.every(isTexts)) return value.map((pair) => pair.join(" ").trim()).join(", ");
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}

function sourceInWords(from: string): string {
  if (from === "default") return "by default";
  return from === "creator" ? "creator of the room" : from;
}

const MEMBERSHIPS: Readonly<Record<string, string>> = {
  join: "joined",
  invite: "invited",
  knock: "knocking",
  ban: "banned",
  leave: "not in the room any more",
};

function isInWords({ user, membership = "" }: Standing): string {
  return `${user} is ${Object.hasOwn(MEMBERSHIPS, membership) ? MEMBERSHIPS[membership] : "not in the room"}`;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

interface Standing {
  user: string;
  membership?: string;
}

function standingInWords({ user, membership }: Standing): string {
  return `${user}: ${membership ?? "no membership in the room"}`;
}

function isStanding(value: object): value is Standing & Compared {
  const others = Object.keys(value).filter((key) => !["user", "membership", "event_id"].includes(key));
  return "user" in value && typeof value.user === "string" && others.length === 0;
}

function isLevel(value: unknown): value is Level {
  return isObject(value) && "level" in value && "from" in value;
}

/** The ids of events that values were read in, each once. */
function eventIdsIn(compared: Compared): string[] {
  const all = [compared, ...Object.values(compared)].flatMap((value) => (isObject(value) ? [value["event_id"]] : []));
  return [...new Set(all)].filter((id): id is string => typeof id === "string").map(printable);
}
