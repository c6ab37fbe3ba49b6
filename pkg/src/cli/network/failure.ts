/** Why a conversation came to nothing: what was tried, and what somebody can do about it. */
import wrap from "wrap-ansi";
import type { FedproofError, TraceEntry } from "../../index.js";
import { isObject } from "../event-files.js";
import { jsonLine, painter, printable, widthOf } from "../style.js";
import { hintsFor } from "./hints.js";
import { hung, ladderText } from "./ladder.js";

const READABLE = 110;

/** Tells it on standard error; for programs, as one JSON value. `shown`: the trace was printed already. */
export function tellFailure(error: FedproofError, json: boolean, shown = false): void {
  const { code, message, details } = error;
  if (json) {
    process.stderr.write(jsonLine({ error: { code, message, ...details } }));
    return;
  }
  const paint = painter(process.stderr);
  const width = Math.min(widthOf(process.stderr), READABLE);
  const tag = code === "aborted" || code === "timed_out" ? "" : ` (${code})`;
  const lines = [...wrap(`${paint("red", "fedproof:")} ${printable(message)}${tag}`, width, { hard: true }).split("\n")];
  const evidence = evidenceOf(error);
  const trace = traceIn(evidence);
  if (trace !== undefined && !shown) lines.push("", ladderText(trace, true, width, paint).trimEnd());
  for (const line of triedIn(evidence)) lines.push(...hung(printable(line), 2, width));
  const hints = hintsFor(code, evidence);
  if (hints.length > 0) lines.push("");
  for (const hint of hints) lines.push(...wrap(printable(hint), width).split("\n"));
  process.stderr.write(`${lines.join("\n")}\n`);
}

export function evidenceOf({ details }: FedproofError): Record<string, unknown> {
  const { evidence } = details;
  return isObject(evidence) ? evidence : {};
}

export function traceIn({ trace }: Record<string, unknown>): TraceEntry[] | undefined {
  return Array.isArray(trace) ? (trace as TraceEntry[]) : undefined;
}

/** The places and the servers that were tried, a line each. */
function triedIn({ attempts, failures }: Record<string, unknown>): string[] {
  const places = listOf(attempts).map(({ host, address, port, message, code }) => {
    const where = [host, address === host ? undefined : address, `port ${String(port)}`];
    return `${where.filter((part) => part !== undefined).join(" ")}: ${String(message)} (${String(code)})`;
  });
  const servers = listOf(failures).flatMap(({ server_name, message, code, evidence }) => [
    `${String(server_name)}: ${String(message)} (${String(code)})`,
    ...(isObject(evidence) ? triedIn(evidence).map((line) => `  ${line}`) : []),
  ]);
  // One place, or one server, is in the message already.
  return [...(places.length > 1 ? places : []), ...(servers.length > 1 ? servers : [])];
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
