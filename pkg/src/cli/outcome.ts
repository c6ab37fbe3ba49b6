/** How results and outcomes look: a mark and a colour for each. */
import type { Check, Outcome, Verdict } from "../index.js";
import type { Format, Paint } from "./style.js";

/** The marks differ in shape too, for eyes and terminals without colours. */
export const MARKS: Record<Check["result"], { mark: string; format: Format }> = {
  pass: { mark: "✓", format: "green" },
  fail: { mark: "✗", format: "red" },
  incomplete: { mark: "?", format: "yellow" },
  skip: { mark: "–", format: "dim" },
};

const OUTCOMES: Record<Outcome, Format> = {
  accepted: "green",
  soft_failed: "yellow",
  rejected: "red",
  dropped: "red",
  incomplete: "yellow",
};

/** The outcome in words, with a word for a content that does not fit its hash. */
export function kindOf({ outcome, redacted }: Verdict): string {
  return outcome === "accepted" && redacted ? "accepted, redacted" : outcome.replace("_", " ");
}

export function paintKind(verdict: Verdict, paint: Paint, text = kindOf(verdict)): string {
  const { outcome, redacted } = verdict;
  return paint(outcome === "accepted" && redacted ? "yellow" : OUTCOMES[outcome], text);
}

/** Not plainly accepted: there is something to tell. */
export function isNotable({ outcome, redacted, flags }: Verdict): boolean {
  return outcome !== "accepted" || redacted || flags.length > 0;
}

/**
 * The check that decided the outcome, where one did. A content that does not fit its hash decides
 * only about an event that is accepted otherwise.
 */
export function decisiveCheck({ outcome, checks }: Verdict): Check | undefined {
  const deciding = outcome === "incomplete" ? "incomplete" : "fail";
  const candidates = checks.filter(({ result }) => result === deciding);
  return candidates.find(({ name }) => name !== "hash") ?? candidates[0];
}
