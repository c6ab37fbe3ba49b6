/** Why an event is not plainly accepted, in a paragraph. */
import wrap from "wrap-ansi";
import { type Check, type Verdict, verdictCodes } from "../index.js";
import { decisiveCheck, MARKS, paintKind } from "./outcome.js";
import { type Paint, printable } from "./style.js";

const INDENT = "  ";
/** Lines longer than this are hard to read, however wide the terminal is. */
const READABLE = 110;

/** The paragraph for the event at `number`. */
export function reasonsOf(verdict: Verdict, number: number, terminal: number, paint: Paint): string {
  const width = Math.min(terminal, READABLE);
  const lines = [heading(verdict, number, width, paint)];
  const decisive = decisiveCheck(verdict);
  if (decisive) lines.push(...explain(decisive, width, paint));
  for (const check of verdict.checks) {
    if (check === decisive || check.result === "pass" || check.result === "skip") continue;
    lines.push(titleOf(check, paint, "also "));
  }
  lines.push(...flagLines(verdict.flags, width, paint));
  return `${lines.join("\n")}\n`;
}

/** Flags, and what they mean. */
export function flagLines(flags: readonly string[], width: number, paint: Paint): string[] {
  return flags.flatMap((flag) => {
    const summary = verdictCodes().find(({ code }) => code === flag)?.summary;
    const title = `${paint("yellow", "!")} flag ${paint("bold", flag)}`;
    return summary ? [title, indented(summary, width)] : [title];
  });
}

function heading(verdict: Verdict, number: number, width: number, paint: Paint): string {
  const names = [
    paint("dim", `#${number}`),
    paint("bold", printable(verdict.event_id ?? "(no event id)")),
    printable(verdict.type ?? "(no type)"),
    paintKind(verdict, paint),
  ];
  return wrap(names.join("  "), width, { hard: true });
}

function titleOf({ check, name, code, result }: Check, paint: Paint, also = ""): string {
  const { mark, format } = MARKS[result];
  return `${paint(format, mark)} ${also}check ${check}, ${name}: ${paint("bold", code ?? result)}`;
}

function explain(check: Check, width: number, paint: Paint): string[] {
  const lines = [titleOf(check, paint)];
  if (check.reason) lines.push(indented(sentence(printable(check.reason)), width));
  lines.push(...factLines(check, width, paint));
  if (check.spec) {
    const rule = check.rule ? `rule ${check.rule}, ` : "";
    // A link must stay on one line to be one.
    lines.push(INDENT + paint("dim", rule + check.spec));
  }
  return lines;
}

/** The values behind a result, a line each. */
export function factLines(check: Check, width: number, paint: Paint): string[] {
  const facts = factsOf(check);
  const longest = Math.min(Math.max(0, ...facts.map(([name]) => name.length)), 24);
  return facts.map(([name, value]) => {
    const label = paint("dim", printable(name).padEnd(longest));
    return indented(`${label}  ${printable(value)}`, width, longest + 2);
  });
}

/** The values behind a result, by name. */
function factsOf({ evidence = {}, missing = [] }: Check): (readonly [name: string, value: string])[] {
  const facts = Object.entries(evidence).flatMap(([name, value]) =>
    name === "required" && Array.isArray(value)
      ? value.map(signatureFact)
      : [[name, inWords(name, value)] as const],
  );
  // What is missing of signatures stands with their servers.
  return missing.length > 0 && !("required" in evidence) ? [...facts, ["missing", missing.join(", ")]] : facts;
}

/** A server that must have signed, and what its signatures are worth. */
function signatureFact(value: unknown): readonly [name: string, value: string] {
  const { server, signatures } = value as { server: string; signatures: Signature[] };
  return [server, signatures.map(signatureInWords).join("; ") || "no signature"];
}

interface Signature {
  key_id: string;
  result: string;
  because?: string;
  [fact: string]: unknown;
}

function signatureInWords({ key_id, result, because, ...facts }: Signature): string {
  const why = because ? `: ${because.replaceAll("_", " ")}` : "";
  const more = Object.entries(facts).map(([name, value]) => `, ${name} ${inWords(name, value)}`);
  return `${key_id} ${result}${why}${more.join("")}`;
}

function inWords(name: string, value: unknown): string {
  if (typeof value === "number" && name.endsWith("_ts")) return moment(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(", ");
  return JSON.stringify(value);
}

function moment(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  return `${milliseconds} (${date.toISOString().replace("T", " ")})`;
}

function sentence(text: string): string {
  // A name from the event, such as auth_events, stays as it is.
  const capital = /^[a-z]+\b/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** Wraps text; lines after the first hang below where the text of the first began. */
function indented(text: string, width: number, hanging = 0): string {
  const room = Math.max(width - INDENT.length, 12);
  // One long word (a hash, a list without spaces) is cut where the line ends, not pushed to the next.
  const options = { hard: true, trim: false, wordWrap: /\S\s+\S/.test(text.slice(hanging + 9)) };
  const [first = "", ...others] = wrap(text, room, options).split("\n");
  if (others.length === 0) return INDENT + first;
  const rest = wrap(others.join("").trimStart(), Math.max(room - hanging, 8), options).split("\n");
  return [first.trimEnd(), ...rest.map((line) => " ".repeat(hanging) + line.trim())]
    .map((line) => INDENT + line)
    .join("\n");
}
