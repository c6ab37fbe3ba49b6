/** The table of all codes, as the module itself has it. */
import { call } from "./wasm.js";

/** One code: of a check that did not pass, of a flag, of a server ACL, of a request, of an error, or of a trace. */
export interface CodeInfo {
  /** Stable, snake_case. */
  code: string;
  /** The check it belongs to, null for those of no check. */
  check: 1 | 2 | 3 | 4 | 5 | 6 | 7 | null;
  /**
   * `verdict`: in `Check.code`, or, without a check, of a server ACL or a request; `flag`: in
   * `Verdict.flags` and the like; `error`: in `FedproofError.code`, and in traces; `trace`: in the
   * traces of server discovery.
   */
  kind: "verdict" | "error" | "flag" | "trace";
  /** What follows for the event, the server or the request: `dropped`, `denied`, …; null where nothing does. */
  effect: string | null;
  /** One sentence. */
  summary: string;
  /** The section of the specification. */
  spec: string;
}

/**
 * All codes that can appear in verdicts, ACL decisions, judgments of requests, errors and traces, with
 * what they mean.
 *
 * @returns A fresh array; change it as you like.
 * @example
 * for (const { code, summary } of verdictCodes()) console.log(code, summary);
 */
export function verdictCodes(): CodeInfo[] {
  return JSON.parse(call((wasm) => wasm.verdict_codes())) as CodeInfo[];
}
