/** The columns of the table of verdicts, as many as the terminal is wide. */
import type { Verdict } from "../index.js";
import { decisiveCheck, MARKS, paintKind } from "./outcome.js";
import { type Paint, printable } from "./style.js";

export interface Column {
  title: string;
  /** With the two spaces behind it. */
  width: number;
  cell(verdict: Verdict, number: number, paint: Paint): string;
}

/** From this width on the verdict can be followed by its code. */
const WIDE = 132;

/** Which columns fit a terminal, and how wide each is. */
export function columnsFor(terminal: number): Column[] {
  const wide = terminal >= WIDE;
  const number: Column = {
    title: "#",
    width: 6,
    cell: (_verdict, n, paint) => paint("dim", String(n)),
  };
  const checks: Column = { title: "1 2 3", width: 7, cell: (verdict, _n, paint) => marks(verdict, paint) };
  const verdict: Column = {
    title: "VERDICT",
    width: wide ? 40 : 20,
    cell: (verdict, _n, paint) => {
      const kind = paintKind(verdict, paint);
      const code = wide && decisiveCheck(verdict)?.code;
      return code ? `${kind} ${paint("dim", code)}` : kind;
    },
  };
  // These share what is left. On a narrow terminal the id tells events apart; the rest must go.
  const elastic = [
    { title: "EVENT", widest: 46, cell: (v: Verdict) => v.event_id ?? "(no id)" },
    { title: "TYPE", widest: 28, cell: (v: Verdict) => v.type ?? "(no type)" },
    { title: "SENDER", widest: 34, cell: (v: Verdict) => v.sender ?? "" },
  ].slice(0, terminal >= 84 ? 3 : terminal >= 66 ? 2 : 1);
  let left = terminal - number.width - checks.width - verdict.width;
  // Last first: what TYPE and SENDER do not need, EVENT gets.
  const shared = elastic.reverse().map(({ title, widest, cell }, at): Column => {
    const width = Math.max(8, Math.min(Math.floor(left / (elastic.length - at)), widest));
    left -= width;
    return { title, width, cell: (verdict) => printable(cell(verdict)) };
  });
  return [number, ...shared.reverse(), checks, verdict];
}

function marks(verdict: Verdict, paint: Paint): string {
  const results = [1, 2, 3].map((n) => verdict.checks.find(({ check }) => check === n)?.result ?? "skip");
  return results.map((result) => paint(MARKS[result].format, MARKS[result].mark)).join(" ");
}
