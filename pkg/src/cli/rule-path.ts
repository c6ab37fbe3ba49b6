/** The way through the authorization rules, a line for each rule that was considered. */
import wrap from "wrap-ansi";
import type { RuleStep } from "../index.js";
import { type Compared, type Fact, factLines, levelsInWords } from "./compared.js";
import { type Format, type Paint, printable } from "./style.js";

const MARKS: Record<RuleStep["answer"], { mark: string; format: Format }> = {
  applies: { mark: "▸", format: "cyan" },
  no: { mark: "·", format: "dim" },
  allow: { mark: "✓", format: "green" },
  reject: { mark: "✗", format: "red" },
  incomplete: { mark: "?", format: "yellow" },
};

export const PATH_LEGEND = "▸ applies: look below it   · does not apply";

/**
 * What a decision rests on: what its step compared; for an "otherwise: allow" the levels that were the
 * last to be compared before.
 */
export function groundsOf(path: readonly RuleStep[]): Compared | undefined {
  const compared = path.at(-1)?.compared;
  return compared ?? path.findLast((step) => step.compared && levelsInWords(step.compared))?.compared;
}

/** The lines of steps, indented as far as some stand below others; below the deciding one the facts behind it. */
export function pathLines(
  steps: readonly RuleStep[],
  facts: readonly Fact[],
  width: number,
  paint: Paint,
): string[] {
  const least = Math.min(...steps.map(depthOf));
  return folded(steps).flatMap(({ step, entries }) => {
    const place = placeOf(step, least);
    const lines = stepLines(step, entries, place, width, paint);
    return decides(step) ? [...lines, ...factLines(facts, place.column, width, paint)] : lines;
  });
}

/** The step that decides: the last. */
export function decidingSteps(path: readonly RuleStep[]): RuleStep[] {
  return path.filter(decides);
}

/** The steps of a path that another one has not, or not with this answer. */
export function stepsBeside(path: readonly RuleStep[], other: readonly RuleStep[]): RuleStep[] {
  const known = new Set(other.map(({ rule, answer }) => `${rule} ${answer}`));
  return path.filter((step) => decides(step) || !known.has(`${step.rule} ${step.answer}`));
}

function decides({ answer }: RuleStep): boolean {
  return answer !== "applies" && answer !== "no";
}

/** A step, and how many entries of power levels it looked at, one after the other. */
interface Folded {
  step: RuleStep;
  entries: number;
}

/** A rule with several parts, or one that is asked for many entries, is one line if all say the same. */
function folded(path: readonly RuleStep[]): Folded[] {
  const seen = new Map<string, Folded>();
  for (const step of path) {
    const key = `${step.rule} ${step.answer}`;
    const found = seen.get(key);
    if (!found) seen.set(key, { step, entries: 1 });
    else if (step.compared?.["key"] !== undefined) found.entries += 1;
  }
  return [...seen.values()];
}

function stepLines(step: RuleStep, entries: number, place: Place, width: number, paint: Paint): string[] {
  const { mark, format } = MARKS[step.answer];
  const often = entries > 1 ? ` (none of ${entries.toLocaleString("en")})` : "";
  const room = Math.max(width - place.column, 16);
  const lines = wrap(printable(step.summary) + often, room, { hard: true }).split("\n");
  const style = (text: string) => (step.answer === "no" ? paint("dim", text) : decides(step) ? paint("bold", text) : text);
  return lines.map((text, index) => {
    if (index > 0) return " ".repeat(place.column) + style(text);
    return `  ${paint(format, mark)} ${" ".repeat(place.indent)}${style(`${step.rule.padEnd(place.number)}  ${text}`)}`;
  });
}

/** Where a step stands on its line. */
interface Place {
  /** How far its number is indented. */
  indent: number;
  /** How wide the numbers of nearly all rules are that stand as deep. */
  number: number;
  /** Where its words begin. */
  column: number;
}

function placeOf(step: RuleStep, least: number): Place {
  const indent = 2 * (depthOf(step) - least);
  const number = Math.max(2 * depthOf(step), step.rule.length);
  return { indent, number, column: 4 + indent + number + 2 };
}

/** How deep a rule stands among the others: `4.3.1` at 3. */
function depthOf({ rule }: RuleStep): number {
  return rule.split(".").length;
}
