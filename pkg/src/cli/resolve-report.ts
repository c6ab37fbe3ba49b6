/** A resolution for people: what became of every conflict and why; on demand, every step on the way. */
import wrap from "wrap-ansi";
import type { AppliedEvent, ResolutionTrace } from "../index.js";
import { EventBook } from "./event-book.js";
import { isObject } from "./event-files.js";
import { mergesBefore } from "./merges.js";
import { MARKS } from "./outcome.js";
import type { Resolution } from "./resolve-input.js";
import { stateTable } from "./state-table.js";
import { contentInWords } from "./state-words.js";
import { type Paint, plural, printable } from "./style.js";
import { contendersFor, type Decided, refusalOf } from "./why-won.js";

/** Lines longer than this are hard to read, however wide the terminal is. */
const READABLE = 120;
/** Of the content of an event. */
const MOST = 140;
/** Merges that are named when there is nothing to resolve. */
const MERGES = 10;
/** Of the places of a merge. */
const PLACES = 4;

/** The report, in parts; with `steps` all of the way to it. */
export function* resolutionReport(
  resolution: Resolution & { trace: ResolutionTrace },
  steps: boolean,
  terminal: number,
  paint: Paint,
): Iterable<string> {
  const report = new ResolutionReport(resolution, Math.min(terminal, READABLE), paint);
  yield report.heading();
  if (steps) yield* report.steps();
  yield* report.decisions();
  yield report.index();
  const { state, find } = resolution;
  yield `${paint("bold", "The state")}  ${paint("dim", count(state.length, "entry", "entries"))}\n\n`;
  const contents = ([type, , id]: readonly [string, string, string]) => {
    const event = find(id);
    return contentInWords(type, isObject(event) ? event["content"] : undefined);
  };
  yield* stateTable(state, contents, terminal, paint);
}

/** What decided between a power event and the next that could have come in its place. */
const TIE_BREAKS: Record<ResolutionTrace["power_events"][number]["tie_break"], string> = {
  only_candidate: "no other could come here",
  power_level: "goes first, as its sender has the higher level",
  origin_server_ts: "goes first, as it is the earliest of its level",
  event_id: "goes first, as its id is the smallest of its level and time",
};

/** Where Synapse and the specification part, and it makes a difference. */
const FLAGS: Readonly<Record<string, string>> = {
  power_events_inside_full_conflicted_set_only:
    "By the text of the specification more events would count as power events: those of the full conflicted set " +
    "that power events rest on by way of events outside of it. Synapse does not look there, and is followed.",
};

class ResolutionReport {
  readonly #book: EventBook;
  readonly #trace: ResolutionTrace;
  #step = 0;

  constructor(
    readonly resolution: Resolution & { trace: ResolutionTrace },
    readonly width: number,
    readonly paint: Paint,
  ) {
    this.#book = new EventBook(resolution.find);
    this.#trace = resolution.trace;
  }

  heading(): string {
    const { name, roomVersion } = this.resolution;
    // Of no states at all there is no resolution.
    const algorithm = this.resolution.states === 0 ? [] : [`state resolution ${this.#trace.algorithm}`];
    const facts = [`room version ${roomVersion}`, ...algorithm];
    const title = `${this.paint("bold", printable(name))}  ${facts.join(" · ")}`;
    return `\n${this.#wrapped(title)}${this.#wrapped(this.#outcome())}\n`;
  }

  #outcome(): string {
    const { states, whose } = this.resolution;
    const { conflicted, unconflicted } = this.#trace;
    const which = `${states === 1 ? "One state" : `${states} states`}${whose === "" ? "" : ` ${printable(whose)}`}`;
    if (states < 2) return `${which}: nothing to resolve.`;
    if (conflicted.length === 0) return `${which}: they do not differ, and there is nothing to resolve.`;
    return `${which}: they differ in ${count(conflicted.length, "place")}, and agree about ${unconflicted.toLocaleString("en")}.`;
  }

  /** Every step of the algorithm. */
  *steps(): Iterable<string> {
    const { algorithm, conflicted, power_checks, other_checks } = this.#trace;
    if (conflicted.length === 0) return;
    yield this.#conflicts();
    if (algorithm === "1") {
      yield this.#checks("Authorization checks", "power levels, then join rules, memberships, all others; each kind by what the ones before became", other_checks);
      return;
    }
    yield this.#participants();
    yield this.#powerEvents();
    const begins = algorithm === "2" ? "beginning with what the states agree about" : "beginning with an empty state";
    yield this.#checks("Check the power events", `${begins}; each that the rules allow enters`, power_checks);
    yield this.#mainline();
    yield this.#others();
    yield this.#checks("Check the other events", "each that the rules allow enters", other_checks);
  }

  /** What became of each place, and why. */
  *decisions(): Iterable<string> {
    const { decided, flags } = this.#trace;
    if (decided.length === 0) {
      yield this.#merges();
      return;
    }
    yield `${this.paint("bold", "Who won, and why")}\n`;
    for (const place of decided) yield this.#decision(place);
    for (const flag of flags) {
      yield this.#hanging(`${this.paint("yellow", "!")} flag ${this.paint("bold", flag)}: ${FLAGS[flag] ?? ""}`, 0, 2);
    }
    yield "\n";
  }

  /** Which number stands for which id. */
  index(): string {
    const ids = this.#book.ids();
    if (ids.length === 0) return "";
    const lines = ids.map((id) => {
      const indent = Math.max(0, 4 - this.#book.name(id).length);
      return this.#hanging(`${this.#number(id)}  ${printable(id)}  ${this.paint("dim", this.#place(id))}`, indent, 6);
    });
    return `${this.paint("bold", "The events by number")}\n${lines.join("")}\n`;
  }

  #conflicts(): string {
    const places = this.#trace.conflicted.map(({ type, state_key: stateKey, events }) => {
      const lines = events.map((id) => this.#event(id, 6));
      if (events.length === 1) lines.push(this.#hanging(this.paint("dim", "some states have nothing here"), 6, 6));
      return `    ${placeIn(type, stateKey)}\n${lines.join("")}`;
    });
    return this.#titled("Where the states differ", "", places.join(""));
  }

  #participants(): string {
    const { algorithm, auth_difference: difference, conflicted_subgraph: subgraph, full_conflicted_set: full } = this.#trace;
    const parts = [this.#listed("auth difference, what some states rest on and not all", difference)];
    if (algorithm === "2.1") parts.push(this.#listed("conflicted subgraph, what lies between conflicted events", subgraph));
    parts.push(this.#hanging(`full conflicted set, all of these: ${count(full.length, "event")}`, 4, 4));
    return this.#titled("What takes part", "", parts.join(""));
  }

  /** Events that were told before by their numbers, the others a line each. */
  #listed(what: string, ids: readonly string[]): string {
    const before = ids.filter((id) => this.#book.has(id)).map((id) => this.#number(id));
    const others = ids.filter((id) => !this.#book.has(id));
    const title = `${what}: ${ids.length === 0 ? "none" : count(ids.length, "event")}`;
    return [
      this.#hanging(title, 4, 4),
      ...(before.length > 0 ? [this.#hanging(before.join(" "), 6, 6)] : []),
      ...others.map((id) => this.#event(id, 6, true)),
    ].join("");
  }

  #powerEvents(): string {
    const { power_events: events } = this.#trace;
    const lines = events.map(({ event_id, sender, level, origin_server_ts, tie_break }, index) => {
      const facts = `${printable(sender)} at level ${level}, ${moment(origin_server_ts)}`;
      // With nothing behind it, the last has nothing to be told from.
      const why = index === events.length - 1 ? "" : this.paint("dim", `; ${TIE_BREAKS[tie_break]}`);
      return this.#hanging(`${String(index + 1).padStart(3)}. ${this.#number(event_id)} ${this.#place(event_id)}: ${facts}${why}`, 2, 7);
    });
    return this.#titled(
      "Put the power events in order",
      "what can take abilities away, and what that rests on: first by that, then by level of the sender, time, id",
      lines.join("") || this.#none(),
    );
  }

  #mainline(): string {
    const lines = this.#trace.mainline.map((id, index) => `${this.#hanging(`${String(index).padStart(3)}. ${this.#summary(id)}`, 2, 7)}`);
    return this.#titled("The mainline", "the power levels that came out, and back from there those that they rest on", lines.join("") || this.#none());
  }

  #others(): string {
    const lines = this.#trace.other_events.map(({ event_id, position }, index) => {
      const rests = position === undefined ? "rests on none of the mainline" : `rests on ${position} of the mainline`;
      const { time } = this.#book.entry(event_id);
      const facts = this.paint("dim", `${rests}, ${moment(time)}`);
      return this.#hanging(`${String(index + 1).padStart(3)}. ${this.#number(event_id)} ${this.#place(event_id)}: ${facts}`, 2, 7);
    });
    return this.#titled("Put the other events in order", "those on the oldest power levels first, then by time, then by id", lines.join("") || this.#none());
  }

  #checks(title: string, more: string, checks: readonly AppliedEvent[]): string {
    const lines = checks.map((check) => {
      const { mark, format } = MARKS[check.allowed ? "pass" : "fail"];
      const rule = check.rule === undefined ? "" : ` (rule ${check.rule})`;
      const said = check.allowed ? this.paint("dim", `allowed${rule}`) : this.#refusal(check);
      return this.#hanging(`${this.paint(format, mark)} ${this.#number(check.event_id)} ${this.#place(check.event_id)}: ${said}`, 4, 6);
    });
    return this.#titled(title, more, lines.join("") || this.#none());
  }

  #refusal(check: AppliedEvent): string {
    return printable(this.#book.named(refusalOf(check)));
  }

  #decision(place: Decided): string {
    const lines = contendersFor(place, this.#trace, this.#book).map(({ eventId, won, why }) => {
      const { mark, format } = MARKS[won ? "pass" : "fail"];
      const { sender, content } = this.#book.entry(eventId);
      const said = content === "" ? "" : `  ${shortened(content)}`;
      const by = sender === place.state_key ? "" : ` by ${printable(sender)}`;
      const head = `${this.paint(format, mark)} ${this.#number(eventId)}${by}${said}`;
      return this.#hanging(head, 4, 6) + this.#hanging(this.paint(won ? "green" : "dim", printable(why)), 6, 6);
    });
    if (place.winner === undefined) lines.push(this.#hanging(`${this.paint("yellow", "–")} nothing stands here now`, 4, 6));
    return `  ${this.paint("bold", placeIn(place.type, place.state_key))}\n${lines.join("")}`;
  }

  /** Where else to look, when nothing is to be resolved here. */
  #merges(): string {
    const { room } = this.resolution;
    const merges = room === undefined ? [] : mergesBefore(room.receiver, room.ends, MERGES);
    if (merges.length === 0) return "";
    const lines = merges.map(({ eventId, places }) => {
      const names = [...new Set(places.map(({ type, state_key: stateKey }) => placeIn(type, stateKey)))];
      const more = names.length > PLACES ? ` and ${names.length - PLACES} more` : "";
      const differ = this.paint("dim", `${names.slice(0, PLACES).join(", ")}${more}`);
      return this.#hanging(`--at '${printable(eventId)}'  ${differ}`, 2, 7);
    });
    return `${this.#wrapped("States that differed were resolved before these events, the newest first; they differed in:")}${lines.join("")}\n`;
  }

  #titled(title: string, more: string, body: string): string {
    this.#step += 1;
    const text = `${this.paint("bold", title)}${more === "" ? "" : this.paint("dim", `  ${more}`)}`;
    return `${this.#hanging(`${this.paint("cyan", String(this.#step))} ${text}`, 0, 2)}${body}\n`;
  }

  #none(): string {
    return `    ${this.paint("dim", "none")}\n`;
  }

  /** A line on an event: who, when, and what it says; and what it is, where that is not clear. */
  #event(eventId: string, indent: number, withPlace = false): string {
    const { sender, time, content, depth } = this.#book.entry(eventId);
    const place = withPlace ? ` ${this.#place(eventId)}:` : "";
    const order = this.#trace.algorithm === "1" ? `depth ${depth}` : moment(time);
    const facts = `${printable(sender)}, ${order}`;
    return this.#hanging(`${this.#number(eventId)}${place} ${facts}  ${shortened(content)}`, indent, indent + 3);
  }

  /** An event of which only who and when is told, if it was told before what it says. */
  #summary(eventId: string): string {
    const isKnown = this.#book.has(eventId);
    const { sender, time, content } = this.#book.entry(eventId);
    return `${this.#number(eventId)} ${printable(sender)}, ${moment(time)}${isKnown ? "" : `  ${shortened(content)}`}`;
  }

  #number(eventId: string): string {
    return this.paint("cyan", this.#book.name(eventId));
  }

  #place(eventId: string): string {
    const { type, stateKey } = this.#book.entry(eventId);
    return placeIn(type, stateKey);
  }

  #wrapped(text: string): string {
    return `${wrap(text, this.width, { hard: true })}\n`;
  }

  /** Wraps text that begins at one column and goes on at another. */
  #hanging(text: string, first: number, others: number): string {
    const room = Math.max(this.width - others, 16);
    const [head = "", ...rest] = wrap(text, room, { hard: true }).split("\n");
    const lines = [" ".repeat(first) + head, ...rest.map((line) => " ".repeat(others) + line)];
    return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
  }
}

function placeIn(type: string, stateKey: string): string {
  return printable(stateKey === "" ? type : `${type} ${stateKey}`);
}

function moment(milliseconds: number | undefined): string {
  const date = new Date(milliseconds ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? "no time" : date.toISOString().replace("T", " ").replace(/Z$/, "");
}

/** Text of strangers on one line. */
function shortened(text: string): string {
  const line = printable(text.replace(/\s+/g, " "));
  return line.length > MOST ? `${line.slice(0, MOST - 1)}…` : line;
}

function count(number: number, one: string, many = `${one}s`): string {
  return many === `${one}s` ? plural(number, one) : `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
