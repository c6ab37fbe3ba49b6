/** What a verification answers: data, with the reason for every "no". */

/**
 * What becomes of an event:
 * - `accepted`: it passed (see {@link Verdict.redacted} for a content that does not fit its hash);
 * - `soft_failed`: kept, but not shown to clients and not built upon (checks 6 and 7);
 * - `rejected`: kept out of the state (checks 4 and 5);
 * - `dropped`: not an event, or not by whom it claims to be (checks 1 and 2);
 * - `incomplete`: cannot be said, something needed is not there. Never to be read as accepted.
 */
export type Outcome = "accepted" | "soft_failed" | "rejected" | "dropped" | "incomplete";

/** The checks on receipt of an event, in the order of the specification. */
export type CheckName =
  | "format"
  | "signatures"
  | "hash"
  | "auth_events"
  | "state_before"
  | "current_state"
  | "policy_server";

/** `incomplete`: something needed is not there; `skip`: not reached, or it does not apply. */
export type CheckResult = "pass" | "fail" | "skip" | "incomplete";

/** One of the checks on receipt of an event. */
export interface Check {
  /** 1 format · 2 signatures · 3 hash · 4 auth_events · 5 state_before · 6 current_state · 7 policy_server */
  check: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  name: CheckName;
  result: CheckResult;
  /** The number of the deciding rule, as in the page of the room version; absent if none applies. */
  rule?: string;
  /** Why it did not pass: stable, snake_case, one for each way to fail. `verdictCodes()` lists all. */
  code?: string;
  /** One plain sentence that names the values compared. */
  reason?: string;
  /** The section of the specification. */
  spec?: string;
  /**
   * The values behind the result: events read, levels compared, keys used. Always there when the
   * check did not pass; for checks that passed only with the option `evidence`. Integers beyond
   * ±(2^53−1) are strings.
   */
  evidence?: Record<string, unknown>;
  /** What is needed and not there: event ids, or `"server key_id"` for keys. */
  missing?: string[];
  /** Every authorization rule that was considered, in order; only with the option `trace`. */
  path?: RuleStep[];
}

/** An authorization rule that was considered. */
export interface RuleStep {
  /** Its number in the page of the room version. */
  rule: string;
  /**
   * - `applies`: its condition holds, and the rules below it are considered;
   * - `no`: its condition does not hold, and the next rule is considered;
   * - `allow`, `reject`, `incomplete`: it decides.
   */
  answer: "applies" | "no" | "allow" | "reject" | "incomplete";
  /** The rule in a few words. */
  summary: string;
  /** The values it compared, and the events they are from. */
  compared?: Record<string, unknown>;
}

/** The judgment of one event. */
export interface Verdict {
  /** Absent where it cannot be computed. From room version 3 on it is the event's reference hash. */
  event_id?: string;
  room_version: string;
  type?: string;
  sender?: string;
  /** Absent when the event has none: then it is no state event. */
  state_key?: string;
  outcome: Outcome;
  /** The content does not fit the content hash: the redacted copy of the event is what counts. */
  redacted: boolean;
  /** The checks that were made, in order. */
  checks: Check[];
  /** Where implementations in the wild differ about this event. `verdictCodes()` explains each. */
  flags: string[];
}
