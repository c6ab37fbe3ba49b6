/** Verdicts for people: a table, the reasons for every "no", and the counts. */
import Table from "cli-table3";
import wrap from "wrap-ansi";
import type { Check, Verdict } from "../index.js";
import type { Description } from "../reader.js";
import { type Column, columnsFor } from "./columns.js";
import { Hints } from "./hints.js";
import { isNotable, kindOf, paintKind } from "./outcome.js";
import { print } from "./output.js";
import type { Progress } from "./progress.js";
import { reasonsOf } from "./reasons.js";
import type { Report } from "./report.js";
import { painter, plural, printable, widthOf } from "./style.js";
import { PLAIN_LINES } from "./table.js";

/** Of longer inputs only the events that are not plainly accepted are listed, unless asked. */
const ROWS = 500;
/** Reasons are told at the end, so their verdicts are held in memory. */
const REASONS = 40;

/** What the report is about. */
export interface TableOptions {
  name: string;
  all: boolean;
  progress: Progress;
}

/** The report for a terminal. */
export class TableReport implements Report {
  protected readonly paint = painter(process.stdout);
  protected readonly width = widthOf(process.stdout);
  readonly #options: TableOptions;
  readonly #columns: Column[];
  readonly #kinds = new Map<string, { count: number; example: Verdict }>();
  readonly #told: { number: number; verdict: Verdict }[] = [];
  readonly #hints = new Hints();
  #events = 0;
  #toTell = 0;
  #folded = false;

  /** The checks are those that are made of each event. */
  constructor(
    options: TableOptions,
    readonly checks: readonly Check["check"][] = [1, 2, 3],
  ) {
    this.#options = options;
    this.#columns = columnsFor(this.width, checks);
  }

  async begin({ shape, room_id, room_version, server_keys }: Description): Promise<void> {
    const facts = [
      ...(room_id === null ? [] : [printable(room_id)]),
      `room version ${room_version}`,
      ...(shape === "room" ? [plural(server_keys, "key response")] : []),
    ];
    const name = this.paint("bold", printable(this.#options.name));
    const title = wrap(`${name}  ${facts.join(" · ")}`, this.width);
    const legend = this.paint("dim", this.#legend());
    const head = this.#columns.map((column) => this.paint("dim", column.title));
    await this.#print(`\n${title}\n${legend}\n\n${this.#rows([head])}`);
  }

  async verdicts(verdicts: readonly Verdict[]): Promise<void> {
    const rows: string[][] = [];
    let text = "";
    for (const verdict of verdicts) {
      this.take(verdict);
      if (isNotable(verdict) || this.#options.all || this.#events <= ROWS) {
        rows.push(this.#columns.map(({ cell }) => cell(verdict, this.#events, this.paint)));
      } else if (!this.#folded) {
        this.#folded = true;
        text = this.#rows(rows.splice(0)) + this.paint("dim", FOLDED);
      }
    }
    await this.#print(text + this.#rows(rows));
  }

  async end(): Promise<void> {
    await print(`\n${this.reasons()}${this.hints()}${this.counts()}`);
  }

  /** Is this a verdict whose reason is told? */
  protected isTold(verdict: Verdict): boolean {
    return isNotable(verdict);
  }

  protected reasonOf(verdict: Verdict, number: number): string {
    return reasonsOf(verdict, number, this.width, this.paint);
  }

  /** The reasons for every "no", a paragraph each. */
  protected reasons(): string {
    let text = "";
    for (const { number, verdict } of this.#told) text += `${this.reasonOf(verdict, number)}\n`;
    const more = this.#toTell - this.#told.length;
    if (more === 0) return text;
    return text + this.paint("dim", `… and ${plural(more, "event")} more; --json tells the reasons of all\n\n`);
  }

  protected hints(): string {
    const texts = this.#hints.texts();
    return texts.map((hint) => `${wrap(hint, Math.min(this.width, 110))}\n\n`).join("");
  }

  /** How many events there were of each kind. */
  protected counts(): string {
    const parts = [...this.#kinds].map(([kind, { count, example }]) =>
      paintKind(example, this.paint, `${count.toLocaleString("en")} ${kind}`),
    );
    const total = this.paint("bold", plural(this.#events, "event"));
    return `${wrap(parts.length > 0 ? `${total}: ${parts.join(" · ")}` : total, this.width)}\n`;
  }

  /** Counts a verdict, and keeps it if its reason is told. */
  protected take(verdict: Verdict): void {
    this.#events += 1;
    this.#hints.take(verdict);
    const kind = kindOf(verdict);
    this.#kinds.set(kind, { count: (this.#kinds.get(kind)?.count ?? 0) + 1, example: verdict });
    if (!this.isTold(verdict)) return;
    this.#toTell += 1;
    if (this.#told.length < REASONS) this.#told.push({ number: this.#events, verdict });
  }

  async #print(text: string): Promise<void> {
    if (text !== "") await this.#options.progress.aside(() => print(text));
  }

  #rows(rows: readonly string[][]): string {
    if (rows.length === 0) return "";
    const table = new Table({ ...PLAIN_LINES, colWidths: this.#columns.map(({ width }) => width) });
    table.push(...rows);
    return `${table.toString().replace(/ +$/gm, "")}\n`;
  }

  /** On one line if it fits. */
  #legend(): string {
    const names = this.checks.map((check) => `${check} ${NAMES[check]}`).join(" · ");
    const length = names.length + 4 + LEGEND.length;
    return wrap(length <= this.width ? `${names}    ${LEGEND}` : `${names}\n${LEGEND}`, this.width);
  }
}

const LEGEND = "✓ passed  ✗ failed  ? cannot be said  – not reached";
const NAMES: Record<Check["check"], string> = {
  1: "format",
  2: "signatures",
  3: "hash",
  4: "auth events",
  5: "state before",
  6: "current state",
  7: "policy server",
};
const FOLDED = "… from here on, only events that are not plainly accepted (--all lists all)\n";
