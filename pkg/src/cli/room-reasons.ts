/** Why an event of a room is not plainly accepted, in a paragraph: of all seven checks. */
import wrap from "wrap-ansi";
import type { Check, Verdict } from "../index.js";
import { comparedFacts, type Fact, factLines } from "./compared.js";
import { decisiveCheck, MARKS, paintKind } from "./outcome.js";
import { flagLines, reasonsOf } from "./reasons.js";
import { pathLines, PATH_LEGEND } from "./rule-path.js";
import { type Paint, printable } from "./style.js";

/** Lines longer than this are hard to read, however wide the terminal is. */
const READABLE = 110;

/** The paragraph for the event at `number`; with the way through the rules, where the verdict has it. */
export function roomReasonsOf(verdict: Verdict, number: number, terminal: number, paint: Paint): string {
  const decisive = decisiveCheck(verdict);
  if (decisive === undefined || decisive.check <= 3) return reasonsOf(verdict, number, terminal, paint);
  const width = Math.min(terminal, READABLE);
  const names = [
    paint("dim", `#${number}`),
    paint("bold", printable(verdict.event_id ?? "(no event id)")),
    printable(verdict.type ?? "(no type)"),
    paintKind(verdict, paint),
  ];
  const others = verdict.checks.filter(({ result }) => result === "fail" || result === "incomplete");
  const lines = [
    wrap(names.join("  "), width, { hard: true }),
    ...checkLines(decisive, width, paint),
    ...others.filter((check) => check !== decisive).map((check) => titleOf(check, paint, "also ")),
    ...flagLines(verdict.flags, width, paint),
  ];
  return `${lines.join("\n")}\n`;
}

function checkLines(check: Check, width: number, paint: Paint): string[] {
  const { reason, spec, rule, path = [] } = check;
  const lines = [titleOf(check, paint)];
  if (reason !== undefined) lines.push(...hanging(sentence(printable(reason)), width));
  lines.push(...factLines(factsOf(check), 2, width, paint));
  if (path.length > 0) lines.push(`  ${paint("dim", PATH_LEGEND)}`, ...pathLines(path, [], width, paint));
  // A link must stay on one line to be one.
  if (spec !== undefined) lines.push(`  ${paint("dim", (rule === undefined ? "" : `rule ${rule}, `) + spec)}`);
  return lines;
}

function titleOf({ check, name, code, result }: Check, paint: Paint, also = ""): string {
  const { mark, format } = MARKS[result];
  return `${paint(format, mark)} ${also}check ${check}, ${name}: ${paint("bold", code ?? result)}`;
}

function factsOf({ evidence = {}, missing = [] }: Check): Fact[] {
  return [...comparedFacts(evidence), ...missing.map((id, index): Fact => [index === 0 ? "missing" : "", id])];
}

function hanging(text: string, width: number): string[] {
  return wrap(text, Math.max(width - 2, 16), { hard: true })
    .split("\n")
    .map((line) => `  ${line}`);
}

function sentence(text: string): string {
  // A name from the event, such as auth_events, stays as it is.
  const capital = /^[a-z]+\b/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
