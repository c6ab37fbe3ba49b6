/** The ladder of steps by which a server name is resolved, for people. */
import wrap from "wrap-ansi";
import type { TraceEntry } from "../../index.js";
import { isObject } from "../event-files.js";
import { MARKS } from "../outcome.js";
import { flagLines } from "../reasons.js";
import { type Paint, printable } from "../style.js";

const TITLES: Readonly<Record<string, string>> = {
  1: "The name is an IP address.",
  2: "The name has a port.",
  3: "Does its .well-known document name a delegate?",
  3.1: "The delegate is an IP address.",
  3.2: "The delegate has a port.",
  3.3: "Are there SRV records of the delegate?",
  3.4: "Are there SRV records of the delegate by their deprecated name?",
  3.5: "The delegate itself, port 8448.",
  4: "Are there SRV records?",
  5: "Are there SRV records by their deprecated name?",
  6: "The name itself, port 8448.",
};

const INDENT = 5;
const HANGING = INDENT + 2;

/** The trace of a resolution; `failed`: its last entry is where it ended. */
export function ladderText(trace: readonly TraceEntry[], failed: boolean, width: number, paint: Paint): string {
  const lines: string[] = [];
  let step = "";
  for (const [index, entry] of trace.entries()) {
    if (entry.step !== step) lines.push(`${paint("cyan", entry.step.padEnd(INDENT - 1))} ${TITLES[entry.step] ?? ""}`.trimEnd());
    step = entry.step;
    lines.push(...entryLines(entry, failed && index === trace.length - 1, width, paint));
  }
  return lines.map((line) => `${line}\n`).join("");
}

function entryLines(entry: TraceEntry, isEnd: boolean, width: number, paint: Paint): string[] {
  const { asked, answer, decision, code, flags, took_ms } = entry;
  const question = asked === undefined ? undefined : questionOf(asked);
  const { mark, format } = MARKS[isEnd ? "fail" : code === undefined ? "pass" : "skip"];
  const lines: string[] = [];
  if (question !== undefined) {
    const took = took_ms === undefined ? "" : paint("dim", `  ${took_ms} ms`);
    // What addresses there are is all that there is to say of them.
    const isBrief = decision.startsWith("connect to ");
    lines.push(...hung(`${paint(format, mark)} ${printable(question)}${isBrief ? `: ${printable(decision)}` : ""}${took}`, INDENT, width));
    if (isBrief) return [...lines, ...flagged(flags, width, paint)];
  }
  for (const line of answerLines(answer)) lines.push(...hung(paint("dim", printable(line)), HANGING, width));
  const said = printable(decision);
  const told = question === undefined ? `${paint(format, isEnd ? mark : "→")} ${said}` : said;
  lines.push(...hung(isEnd ? paint("bold", told) : told, question === undefined ? INDENT : HANGING, width));
  return [...lines, ...flagged(flags, width, paint)];
}

function flagged(flags: readonly string[], width: number, paint: Paint): string[] {
  return flagLines(flags, width - HANGING, paint).map((text) => text.replace(/^/gm, " ".repeat(HANGING)));
}

function questionOf({ srv, addresses, https, address, port, tls_name, target }: Record<string, unknown>): string {
  if (typeof srv === "string") return `SRV ${srv}`;
  if (typeof addresses === "string") return `A and AAAA ${addresses}`;
  if (typeof https === "string") {
    const at = address === undefined ? "" : ` at ${String(address)} port ${String(port)}`;
    return `${https}${at}${tls_name === undefined ? "" : `, certificate of ${String(tls_name)}`}`;
  }
  return `the target ${String(target)}`;
}

/** Of an answer, what the decision does not say again. */
function answerLines(answer: unknown): string[] {
  if (!isObject(answer)) return [];
  const { records, status, content_type, location, body, canonical_name } = answer;
  if (Array.isArray(records)) return records.filter(isObject).map(recordInWords);
  if (typeof canonical_name === "string") return [`alias of ${canonical_name}`];
  if (status === undefined) return [];
  const facts = [String(status), content_type, location === undefined ? undefined : `to ${String(location)}`];
  const text = typeof body === "string" ? body.replace(/\s+/g, " ").trim() : "";
  return [[facts.filter((fact) => fact !== undefined).join(", "), ...(text === "" ? [] : [text])].join(": ")];
}

function recordInWords({ priority, weight, port, target }: Record<string, unknown>): string {
  const name = target === "" ? "." : String(target);
  return `${name} port ${String(port)}, priority ${String(priority)}, weight ${String(weight)}`;
}

/** Text from a column on; what does not fit hangs below it. */
export function hung(text: string, column: number, width: number): string[] {
  const lines = wrap(text, Math.max(width - column - 2, 20), { hard: true }).split("\n");
  return lines.map((line, index) => " ".repeat(index === 0 ? column : column + 2) + line);
}
