/** Why one event stands at a place after a resolution, and the others do not; in words. */
import type { AppliedEvent, ResolutionTrace } from "../index.js";
import type { BookEntry, EventBook } from "./event-book.js";

/** What became of a place. */
export type Decided = ResolutionTrace["decided"][number];

/** An event for a place, and what there is to say about it. */
export interface Contender {
  eventId: string;
  won: boolean;
  /** What its authorization check says; absent where none was made. */
  check: AppliedEvent | undefined;
  why: string;
}

/** Everything that was a candidate for a place, in the order in which it was looked at. */
export function contendersFor(place: Decided, trace: ResolutionTrace, book: EventBook): Contender[] {
  const { winner } = place;
  const checks = [...trace.power_checks, ...trace.other_checks].filter(({ event_id }) => isAt(event_id, place, trace, book));
  const conflicted = conflictedAt(place, trace);
  const checked = checks.map(({ event_id }) => event_id);
  const unchecked = conflicted.filter((id) => !checked.includes(id));
  // By algorithm 1 the first enters without a check, and those behind the last are not reached.
  const first = unchecked.filter((id) => id === winner || trace.algorithm !== "1" || isShallowest(id, conflicted, book));
  const ids = [...first, ...checked, ...unchecked.filter((id) => !first.includes(id))];
  if (winner !== undefined && !ids.includes(winner)) ids.push(winner);
  for (const id of ids) book.name(id); // numbered from above
  return ids.map((eventId) => {
    const check = checks.find(({ event_id }) => event_id === eventId);
    const won = eventId === winner;
    const words = new Words(place, trace, book, checks);
    return { eventId, won, check, why: won ? words.whyWon(eventId, check) : words.whyLost(eventId, check) };
  });
}

class Words {
  constructor(
    readonly place: Decided,
    readonly trace: ResolutionTrace,
    readonly book: EventBook,
    readonly checks: readonly AppliedEvent[],
  ) {}

  whyWon(eventId: string, check: AppliedEvent | undefined): string {
    if (this.trace.algorithm === "1") return this.#whyWonByDepth(check);
    const allowed = this.checks.filter((one) => one.allowed).length;
    const known = conflictedAt(this.place, this.trace).includes(eventId) ? "" : "none of the states has it here, but it takes part; ";
    if (check === undefined) return `${known}all states agree about it`;
    const rule = check.rule === undefined ? "allowed" : `allowed by rule ${check.rule}`;
    if (allowed > 1) return `${known}${rule}, and the last of ${allowed} that are: what comes later stands`;
    return `${known}${rule}${this.checks.length > 1 ? ", and the only one that is" : ""}`;
  }

  whyLost(eventId: string, check: AppliedEvent | undefined): string {
    const { winner } = this.place;
    if (check === undefined) return this.trace.algorithm === "1" ? this.#whyNotReached() : "it takes no part";
    if (!check.allowed) return this.book.named(refusalOf(check));
    if (winner === undefined) return "allowed";
    if (this.trace.algorithm === "1") return `allowed, but ${this.book.name(winner)}, which is deeper, is allowed too`;
    return `allowed, but ${this.book.name(winner)} comes later: ${this.#whyEarlier(eventId, winner)}`;
  }

  /** Why an event was put before another one. */
  #whyEarlier(one: string, other: string): string {
    const { power_events: power, other_events: others } = this.trace;
    const [first, second] = [one, other].map((id) => power.find(({ event_id }) => event_id === id));
    const [entry, later] = [one, other].map((id) => this.book.entry(id)) as [BookEntry, BookEntry];
    if (first && !second) return "power events come before all others";
    if (first && second) {
      if (later.cites.includes(one)) return "it rests on this one";
      if (levelOf(first) > levelOf(second)) return `the sender of this one has the higher level, ${first.level} and not ${second.level}`;
      if (first.level !== second.level) return "it comes after all that it rests on";
      return whichIsEarlier(entry, later);
    }
    const [at, then] = [one, other].map((id) => others.find(({ event_id }) => event_id === id)?.position);
    if (at === then) return whichIsEarlier(entry, later);
    if (at === undefined) return "this one rests on none of the power levels of the mainline";
    return `this one rests on older power levels (${at} of the mainline, not ${then})`;
  }

  #whyWonByDepth(check: AppliedEvent | undefined): string {
    if (check === undefined) return "the least deep, and so not checked; the next is not allowed";
    if (!check.allowed) return "none of them is allowed, so the least deep stands";
    if (!isCheckedUpwards(this.place)) return "the deepest that is allowed";
    return this.#isEnded() ? "allowed, and the next deeper one is not" : "allowed, and the deepest";
  }

  #whyNotReached(): string {
    if (!isCheckedUpwards(this.place)) return "less deep than one that is allowed";
    return this.#isEnded() ? "deeper than one that is not allowed, which ends it" : "the least deep; a deeper one is allowed";
  }

  /** By algorithm 1, the first that is not allowed ends the way upwards. */
  #isEnded(): boolean {
    return this.checks.some(({ allowed }) => !allowed);
  }
}

function whichIsEarlier(one: BookEntry, other: BookEntry): string {
  if (one.time !== other.time) return "this one is older";
  return "both are of the same time, and the id of this one is smaller";
}

/** Creators of a room have more than any number. */
function levelOf({ level }: ResolutionTrace["power_events"][number]): number {
  return level === "infinite" ? Number.POSITIVE_INFINITY : Number(level);
}

/** By algorithm 1 these are tried from the least depth up, all others from the greatest down. */
function isCheckedUpwards({ type, state_key: stateKey }: Decided): boolean {
  return type === "m.room.join_rules" || type === "m.room.member" || (type === "m.room.power_levels" && stateKey === "");
}

function isShallowest(eventId: string, ids: readonly string[], book: EventBook): boolean {
  const depth = (id: string) => book.entry(id).depth ?? 0;
  return ids.every((id) => depth(id) >= depth(eventId));
}

function conflictedAt({ type, state_key: stateKey }: Decided, trace: ResolutionTrace): string[] {
  return trace.conflicted.find((place) => place.type === type && place.state_key === stateKey)?.events ?? [];
}

function isAt(eventId: string, place: Decided, trace: ResolutionTrace, book: EventBook): boolean {
  if (conflictedAt(place, trace).includes(eventId)) return true;
  const { type, stateKey } = book.entry(eventId);
  return type === place.type && stateKey === place.state_key;
}

/** Why the rules do not allow an event: `rule 8, event_power: …`. */
export function refusalOf({ rule, code, reason }: AppliedEvent): string {
  const by = [...(rule === undefined ? [] : [`rule ${rule}`]), ...(code === undefined ? [] : [code])].join(", ");
  return `not allowed${by === "" ? "" : ` (${by})`}: ${reason ?? "the rules reject it"}`;
}
