/** A room for people: the table of verdicts, the reasons, what is waited for, the state. */
import wrap from "wrap-ansi";
import type { Verdict } from "../index.js";
import type { RoomReceiver } from "../receiver.js";
import { decisiveCheck, MARKS } from "./outcome.js";
import { print } from "./output.js";
import { roomReasonsOf } from "./room-reasons.js";
import type { Received, RoomReport, RoomSummary } from "./room-report.js";
import { type Contents, stateTable } from "./state-table.js";
import { contentInWords } from "./state-words.js";
import { plural, printable } from "./style.js";
import { type TableOptions, TableReport } from "./table-report.js";

/** Of events that wait, and of what they wait for, only the first are listed, unless asked. */
const SHOWN = 20;
const READABLE = 110;

export interface RoomTableOptions extends TableOptions {
  /** List the state. */
  state: boolean;
}

export class RoomTable extends TableReport implements RoomReport {
  readonly #options: RoomTableOptions;
  /** Dropped events, by id, with their number: who waits for one waits in vain. */
  readonly #dropped = new Map<string, number>();
  #seen = 0;

  constructor(options: RoomTableOptions) {
    super(options, [1, 2, 3, 4, 5, 6, 7]);
    this.#options = options;
  }

  override async verdicts(verdicts: readonly Verdict[]): Promise<void> {
    for (const { outcome, event_id } of verdicts) {
      this.#seen += 1;
      if (outcome === "dropped" && event_id !== undefined) this.#dropped.set(event_id, this.#seen);
    }
    await super.verdicts(verdicts);
  }

  async summary(received: Received): Promise<void> {
    const { summary, waiting } = received;
    const listed = this.#options.all ? waiting : waiting.slice(0, SHOWN);
    const others = waiting.slice(listed.length);
    await this.verdicts(listed);
    if (others.length > 0) await print(this.paint("dim", `… and ${others.length.toLocaleString("en")} more wait (--all lists all)\n`));
    for (const verdict of others) this.take(verdict);
    await print(`\n${this.reasons()}${this.#waits(received)}${this.hints()}${this.counts()}`);
    await print(this.#facts(summary));
    if (this.#options.state) await this.#state(received);
  }

  /** Why events wait is told of all together. */
  protected override isTold(verdict: Verdict): boolean {
    return verdict.outcome !== "incomplete" && super.isTold(verdict);
  }

  protected override reasonOf(verdict: Verdict, number: number): string {
    return roomReasonsOf(verdict, number, this.width, this.paint);
  }

  #waits({ summary, waiting, missing }: Received): string {
    if (waiting.length < summary.waiting) return this.#marked(`${waitFor(summary.waiting)} keys or for events.`);
    const lackKeys = waiting.filter((verdict) => decisiveCheck(verdict)?.check === 2);
    const lackEvents = waiting.filter(({ checks }) => checks.some(({ code }) => code === "event_missing"));
    const forKeys = lackKeys.length;
    const forEvents = missing.length > 0 ? lackEvents.length : waiting.length - forKeys;
    const parts: string[] = [];
    if (forKeys > 0) parts.push(this.#marked(`${waitFor(forKeys)} the key of a server that signed.`));
    if (forEvents > 0 && missing.length === 0) parts.push(this.#marked(`${waitFor(forEvents)} events that wait.`));
    if (missing.length > 0) {
      const which = missing.length === 1 ? "one that is not there" : `${missing.length.toLocaleString("en")} that are not there`;
      parts.push(this.#marked(`${waitFor(forEvents)} ${which}, or for each other:`) + this.#missing(missing));
    }
    return parts.map((part) => `${part}\n`).join("");
  }

  #marked(text: string): string {
    const { mark, format } = MARKS.incomplete;
    return `${wrap(`${this.paint(format, mark)} ${text}`, Math.min(this.width, READABLE))}\n`;
  }

  #missing(missing: Received["missing"]): string {
    const listed = this.#options.all ? missing : missing.slice(0, SHOWN);
    const lines = listed.map(([id, count]) => {
      const dropped = this.#dropped.get(id);
      const why = dropped === undefined ? "" : `; it was dropped, see #${dropped}`;
      const said = this.paint("dim", `named by ${plural(count, "event")}${why}`);
      return this.#hanging(`${printable(id)}  ${said}`);
    });
    const more = missing.length - listed.length;
    if (more > 0) lines.push(this.paint("dim", `  … and ${more.toLocaleString("en")} more (--json tells all)`));
    if (missing.some(([id]) => !this.#dropped.has(id))) {
      const hint = "Servers of the room have them, at /_matrix/federation/v1/event/{event} and /backfill/{room}.";
      lines.push(this.#hanging(this.paint("dim", hint)));
    }
    return `${lines.join("\n")}\n`;
  }

  #hanging(text: string): string {
    const lines = wrap(text, Math.min(this.width, READABLE) - 2, { hard: true }).split("\n");
    return lines.map((line) => `  ${line.trimEnd()}`).join("\n");
  }

  /** Where the room stands now. */
  #facts({ forward_extremities, state, repeated, outliers = 0 }: RoomSummary): string {
    const ends = forward_extremities.slice(0, SHOWN).map(printable);
    const more = forward_extremities.length - ends.length;
    const facts: [name: string, lines: string[]][] = [
      ["extremities", more > 0 ? [...ends, `… and ${more.toLocaleString("en")} more`] : ends],
      ["state", [entries(state.length) + (this.#options.state ? "" : this.paint("dim", ", which --state lists"))]],
    ];
    if (outliers > 0) facts.push(["given", [`${plural(outliers, "event")} of a state by word of another server, accepted`]]);
    if (repeated > 0) facts.push(["again", [`${plural(repeated, "event")} that came before`]]);
    const lines = facts.flatMap(([name, values]) =>
      values.map((value, index) => `${this.paint("dim", (index === 0 ? name : "").padEnd(11))}  ${value}`),
    );
    return `${lines.join("\n")}\n`;
  }

  async #state({ summary, room }: Received): Promise<void> {
    await print("\n");
    for (const part of stateTable(summary.state, contentsIn(room), this.width, this.paint)) await print(part);
  }
}

/** What the events of a room say. */
function contentsIn(room: RoomReceiver): Contents {
  return ([type, , eventId]) => {
    const event = room.event(eventId);
    const said = contentInWords(type, event?.pdu["content"]);
    return event?.redacted_by == null ? said : `redacted${said === "" ? "" : `, ${said}`}`;
  };
}

function waitFor(count: number): string {
  return `${plural(count, "event")} ${count === 1 ? "waits" : "wait"} for`;
}

function entries(count: number): string {
  return count === 1 ? "1 entry" : `${count.toLocaleString("en")} entries`;
}
