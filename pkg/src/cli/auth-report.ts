/** The verdict on one event, for people: what it is about, the decision and why, the rules considered. */
import wrap from "wrap-ansi";
import type { Check, Outcome, RuleStep, Verdict } from "../index.js";
import type { Question } from "./auth-input.js";
import { nextStep } from "./auth-hints.js";
import { comparedFacts, type Fact, factLines, groundsInWords, standingIn } from "./compared.js";
import { glance, isObject } from "./event-files.js";
import { userInWords, wordsFor } from "./event-words.js";
import { decisiveCheck, kindOf, MARKS, paintKind } from "./outcome.js";
import { factLines as proofLines, flagLines } from "./reasons.js";
import { decidingSteps, groundsOf, PATH_LEGEND, pathLines, stepsBeside } from "./rule-path.js";
import { type Paint, printable } from "./style.js";

/** Lines longer than this are hard to read, however wide the terminal is. */
const READABLE = 110;

/** What each check goes by. */
const NAMES: Record<Check["check"], string> = {
  1: "format",
  2: "signatures",
  3: "hash",
  4: "by the events it cites",
  5: "by the state before it",
  6: "by the current state",
  7: "policy server",
};

/** What servers do with an event. */
const FOLLOWS: Record<Outcome, string> = {
  accepted: "Servers take it into the room",
  soft_failed: "Servers store such an event, but neither show it nor build upon it",
  rejected: "Servers keep a rejected event out of the room",
  dropped: "Servers throw such an event away",
  incomplete: "An incomplete verdict is never a yes",
};

/** The report on a verdict that was made with its paths. */
export function authReport(verdict: Verdict, question: Question, terminal: number, paint: Paint): string {
  return new AuthReport(verdict, question, Math.min(terminal, READABLE), paint).text();
}

class AuthReport {
  /** The check that decided. */
  readonly #decisive: Check | undefined;
  /** The check whose path is told as a whole. */
  readonly #told: Check | undefined;
  readonly #event: unknown;

  constructor(
    readonly verdict: Verdict,
    readonly question: Question,
    readonly width: number,
    readonly paint: Paint,
  ) {
    this.#decisive = decisiveCheck(verdict);
    this.#told = this.#decisive?.path ? this.#decisive : verdict.checks.find(({ path }) => path);
    this.#event = glance(question.event);
  }

  text(): string {
    const parts = [this.#heading(), this.#decision(), this.#checks(), this.#remarks(), this.#links()];
    const lines = parts.filter((part) => part.length > 0).map((part) => part.join("\n"));
    return `\n${lines.join("\n\n")}\n`;
  }

  #heading(): string[] {
    const { event_id, type, room_version } = this.verdict;
    const name = this.paint("bold", printable(this.question.name));
    const title = [name, ...(event_id === undefined ? [] : [printable(event_id)])].join("  ");
    const facts = [...(type === undefined ? [] : [printable(type)]), `room version ${room_version}`].join(" · ");
    return [...this.#wrapped(title), ...this.#wrapped(this.paint("dim", facts))];
  }

  /** What the event wants, what is decided, and what follows. */
  #decision(): string[] {
    const { verdict, paint } = this;
    const { what, otherwise } = wordsFor(verdict, this.#event, (user) => this.#standing(user));
    const { outcome } = verdict;
    const { mark, format } = MARKS[outcome === "accepted" ? "pass" : (this.#decisive?.result ?? "pass")];
    const kind = paint("bold", paintKind(verdict, paint, capital(kindOf(verdict))));
    const without = outcome === "accepted" || outcome === "incomplete" ? "" : `: ${otherwise}`;
    const next = this.#decisive && nextStep(this.#decisive, verdict);
    return [
      ...this.#wrapped(paint("bold", `${what}.`)),
      ...this.#hanging(`${paint(format, mark)} ${kind}: ${this.#why()}`),
      ...this.#hanging(`  ${FOLLOWS[outcome]}${without}.`),
      ...(next === undefined ? [] : this.#hanging(`  ${next}`)),
    ];
  }

  #why(): string {
    const { reason } = this.#decisive ?? {};
    const more = this.verdict.outcome === "accepted" ? this.#whyAccepted() : this.#whereOtherwise();
    return reason === undefined ? more : [`${printable(reason)}.`, capital(more)].join(" ").trimEnd();
  }

  #whyAccepted(): string {
    const allowing = this.#allowing();
    const allow = allowing.length > 1 || allowing[0]?.check === 4 ? "allow" : "allows";
    const allowed = `${grounds(allowing)} ${allow} it.`;
    const why = allowing.map(({ path = [] }) => groundsInWords(groundsOf(path) ?? {})).find(Boolean);
    return why === undefined ? allowed : `${allowed} ${capital(printable(why))}.`;
  }

  /** One check may allow what another one does not. */
  #whereOtherwise(): string {
    const decisive = this.#decisive;
    const allowing = this.#allowing();
    if (decisive?.result !== "fail" || !decisive.path || allowing.length === 0) return "";
    return `${grounds([decisive])} ${decisive.check === 4 ? "do" : "does"} not allow it, though ${grounds(allowing)} would.`;
  }

  #checks(): string[] {
    const title = this.paint("bold", this.#told ? "Rules considered" : "Checks made");
    const legend = this.#told ? `  ${this.paint("dim", PATH_LEGEND)}` : "";
    const blocks = this.verdict.checks.map((check) => this.#check(check));
    // A block of several lines stands apart from what follows.
    const spaced = blocks.flatMap((block, index) => ((blocks[index - 1]?.length ?? 0) > 2 ? ["", ...block] : block));
    return [...this.#wrapped(title + legend), ...spaced];
  }

  #check(check: Check): string[] {
    const { width, paint } = this;
    const { path, result } = check;
    const { mark, format } = MARKS[result];
    const label = `check ${check.check}, ${NAMES[check.check]}`;
    const title = (text: string) => this.#hanging(`${paint(format, mark)} ${text}`);
    if (result === "skip") return title(paint("dim", `${label}: ${this.#whySkipped(check)}`));
    const same = check === this.#told ? undefined : this.#sameAs(check);
    if (same) return title(`${label}: the same as by check ${same.check}`);
    const code = check.code === undefined ? [] : [paint("dim", check.code)];
    const said = [...answerOf(check), ...code].join(", ");
    const heading = title(said === "" ? label : `${label}: ${said}`);
    if (path === undefined) return result === "pass" ? heading : [...heading, ...this.#evidence(check)];
    return [...heading, ...pathLines(this.#shown(check, path), factsOf(check), width, paint)];
  }

  /** Of the path of the check that decides all steps; of the others what sets them apart. */
  #shown(check: Check, path: readonly RuleStep[]): readonly RuleStep[] {
    if (check === this.#told) return path;
    return check.result === "pass" ? decidingSteps(path) : stepsBeside(path, this.#told?.path ?? []);
  }

  /** An earlier check, or that which is told as a whole, that says just the same. */
  #sameAs(check: Check): Check | undefined {
    const told = this.#told?.check ?? 0;
    return this.#byRules().find(
      (other) => (other.check < check.check || other.check === told) && other !== check && saysTheSame(check, other),
    );
  }

  /** What a check saw that has no path. */
  #evidence(check: Check): string[] {
    const { width, paint } = this;
    const reason = check === this.#decisive || !check.reason ? [] : this.#hanging(`  ${printable(check.reason)}.`);
    if (check.check <= 3) return [...reason, ...proofLines(check, width, paint)];
    return [...reason, ...factLines(factsOf(check), 2, width, paint)];
  }

  #whySkipped({ check }: Check): string {
    const { room } = this.question;
    const failed = this.verdict.checks.some((other) => other.check < check && other.result === "fail" && other.check !== 3);
    if (failed && (this.verdict.outcome === "dropped" || room.currentState)) return "not reached";
    if (check === 7 && room.currentState) return "the room has none";
    return "not made, as nothing was given for it";
  }

  /** What was not looked at, and what is worth knowing besides. */
  #remarks(): string[] {
    const { flags, checks, outcome } = this.verdict;
    const lines = flagLines(flags.filter((flag) => flag !== "signatures_unchecked"), this.width, this.paint);
    if (outcome === "dropped" || checks.some(({ name }) => name === "signatures")) return lines;
    const verify = "“fedproof verify” checks them, and the hash.";
    return [...lines, ...this.#wrapped(this.paint("dim", `${this.#unchecked()} ${verify}`))];
  }

  #unchecked(): string {
    const content = isObject(this.#event) ? this.#event["content"] : undefined;
    const authoriser = isObject(content) ? content["join_authorised_via_users_server"] : undefined;
    if (typeof authoriser !== "string") return "No signatures were checked here;";
    const one = `the one by which the server of ${userInWords(authoriser)} lets the user in`;
    return this.question.hasKeys
      ? `Of the signatures only ${one} was checked here;`
      : `No signatures were checked here, not even ${one} (--keys);`;
  }

  #links(): string[] {
    const check = this.#decisive ?? this.#told;
    // Links must stay on one line to be links.
    return [
      ...(check?.code === undefined ? [] : [`What the code means: fedproof codes ${check.code}`]),
      ...(check?.spec === undefined ? [] : [`Spec: ${check.spec}`]),
    ].map((line) => this.paint("dim", line));
  }

  /** The checks that ask the authorization rules. */
  #byRules(): Check[] {
    return this.verdict.checks.filter(({ check }) => check >= 4 && check <= 6);
  }

  #allowing(): Check[] {
    return this.#byRules().filter(({ result }) => result === "pass");
  }

  /** What a user was to the room: the state before the event says it better than what it cites. */
  #standing(user: string): string | undefined {
    const paths = this.#byRules().map(({ path = [] }) => path).reverse();
    return paths.map((path) => standingIn(path, user)).find((membership) => membership !== undefined);
  }

  #wrapped(text: string): string[] {
    return wrap(text, this.width, { hard: true }).split("\n");
  }

  /** Wraps text that begins with a mark, or with the room for one. */
  #hanging(text: string): string[] {
    const lines = wrap(text, Math.max(this.width - 2, 16), { hard: true, trim: false }).split("\n");
    return lines.map((line, index) => (index === 0 ? line : `  ${line.trimStart()}`).trimEnd());
  }
}

/** What a check rests on: what it compared, or what is missing to it. */
function factsOf({ missing = [], evidence = {}, path = [] }: Check): Fact[] {
  if (missing.length === 0) return comparedFacts(groundsOf(path) ?? evidence);
  const malformed = Array.isArray(evidence["malformed"]) ? evidence["malformed"] : [];
  return [
    ...missing.map((id, index): Fact => [index === 0 ? "missing" : "", id]),
    ...malformed.map(({ index, reason }): Fact => ["malformed", `event ${index} of those given: ${reason}`]),
  ];
}

/** `rejected by rule 4.5.5`; nothing for checks that have no rules. */
function answerOf({ result, rule }: Check): string[] {
  if (rule === undefined) return [];
  if (result === "incomplete") return [`undecided at rule ${rule}`];
  return [`${result === "pass" ? "allowed" : "rejected"} by rule ${rule}`];
}

function saysTheSame(one: Check, other: Check): boolean {
  const values = ({ path = [], result, rule, code, reason }: Check) =>
    JSON.stringify([result, rule, code, reason, groundsOf(path)]);
  return values(one) === values(other);
}

/** What checks went by: `the events it cites and the state before it`. */
function grounds(checks: readonly Check[]): string {
  const words = checks.map(({ check }) => NAMES[check].replace(/^by /, ""));
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
