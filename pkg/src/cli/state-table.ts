/** A room state as a table: what stands where, and which event says so. */
import Table from "cli-table3";
import type { StateEntry } from "../index.js";
import { type Paint, printable } from "./style.js";
import { PLAIN_LINES } from "./table.js";

/** What an event of the state says, in a few words. */
export type Contents = (entry: StateEntry) => string;

/** An id, and two spaces. */
const ID = 46;
/** An id of which the beginning must do. */
const SHORT_ID = 16;
/** Rows that are laid out at once. */
const ROWS = 500;

/** The lines of the table, in parts. */
export function* stateTable(state: readonly StateEntry[], contents: Contents, terminal: number, paint: Paint): Iterable<string> {
  const widths = widthsFor(state, terminal);
  const head = ["TYPE", "STATE KEY", "CONTENT", "EVENT"].map((title) => paint("dim", title));
  yield rows([head], widths);
  for (let at = 0; at < state.length; at += ROWS) {
    const part = state.slice(at, at + ROWS).map((entry) => {
      const [type, stateKey, eventId] = entry;
      const key = stateKey === "" ? paint("dim", "–") : printable(stateKey);
      return [printable(type), key, oneLine(contents(entry)), paint("dim", printable(eventId))];
    });
    yield rows(part, widths);
  }
}

function rows(cells: string[][], colWidths: number[]): string {
  const table = new Table({ ...PLAIN_LINES, colWidths });
  table.push(...cells);
  return `${table.toString().replace(/ +$/gm, "")}\n`;
}

/** Types and keys get what they need, up to a share; the content what is left, and a whole id only where there is room. */
function widthsFor(state: readonly StateEntry[], terminal: number): number[] {
  const widest = (part: 0 | 1, title: string, share: number) => {
    const needed = state.reduce((most, entry) => Math.max(most, entry[part].length), title.length) + 2;
    return Math.max(8, Math.min(needed, Math.floor(terminal * share)));
  };
  const type = widest(0, "TYPE", 0.28);
  const key = widest(1, "STATE KEY", 0.28);
  const left = terminal - type - key;
  const id = left - ID >= 40 ? ID : Math.min(SHORT_ID, Math.max(8, Math.floor(left / 3)));
  return [type, key, Math.max(left - id, 8), id];
}

/** Topics and names may have line ends, which are none of the table's. */
function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, " "));
}
