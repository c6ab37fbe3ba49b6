/** The columns of the table of verdicts, as many as the terminal is wide. */
import type { Check, Verdict } from "../index.js";
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

/** Below this, the marks of many checks stand close. */
const LOOSE = 112;

/** Which columns fit a terminal, and how wide each is; with a mark for each of the checks. */
export function columnsFor(terminal: number, numbers: readonly Check["check"][]): Column[] {
  const wide = terminal >= WIDE;
  const gap = numbers.length <= 3 || terminal >= LOOSE ? " " : "";
  const number: Column = {
    title: "#",
    width: 6,
    cell: (_verdict, n, paint) => paint("dim", String(n)),
  };
  const title = numbers.join(gap);
  const checks: Column = {
    title,
    width: title.length + 2,
    cell: (verdict, _n, paint) => numbers.map((check) => markOf(verdict, check, paint)).join(gap),
  };
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

function markOf({ checks }: Verdict, number: number, paint: Paint): string {
  const { mark, format } = MARKS[checks.find(({ check }) => check === number)?.result ?? "skip"];
  return paint(format, mark);
}
