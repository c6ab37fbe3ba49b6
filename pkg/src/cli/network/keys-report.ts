/** The keys of a server, for people. */
import type { PublishedKey, ServerKeys } from "../../index.js";
import { MARKS } from "../outcome.js";
import { flagLines } from "../reasons.js";
import { type Paint, printable } from "../style.js";
import type { Refused } from "./keys.js";
import { hung } from "./ladder.js";
import { fromNow, moment } from "./times.js";

/** A signature on a document of keys. */
export interface Signer {
  server: string;
  key_id: string;
  result: string;
  code?: string;
}

/** Keys, with the signatures on their document. */
export interface Shown extends ServerKeys {
  signatures: Signer[];
}

export function keysText(shown: Shown, width: number, paint: Paint): string {
  const { server_name, notary, keys, refused, flags, signatures } = shown;
  const from = notary === undefined ? "from the server itself" : `by word of ${printable(notary)}`;
  const lines = ["", `${paint("bold", printable(server_name))}  ${paint("dim", from)}`, ""];
  for (const key of keys) lines.push(...keyLines(key, shown, width, paint));
  for (const { key_id, code, reason } of refused) {
    lines.push(`${mark("fail", paint)} ${paint("bold", printable(key_id))}`);
    lines.push(...hung(printable(`not used: ${reason} (${code})`), 2, width));
  }
  lines.push("", ...signatures.flatMap((signature) => signatureLines(signature, server_name, width, paint)));
  lines.push(...flagLines(flags, width, paint));
  return lines.map((line) => `${line}\n`).join("");
}

export function refusedText({ notary, error }: Refused, width: number, paint: Paint): string {
  const text = `${mark("fail", paint)} a document by word of ${printable(notary)} does not prove itself: ${printable(error.message)} (${error.code})`;
  return `\n${hung(text, 0, width).join("\n")}\n`;
}

function keyLines({ key_id, public_key, valid_until_ts, expired_ts }: PublishedKey, shown: Shown, width: number, paint: Paint): string[] {
  const { valid_until_ts: said } = shown;
  const isOver = valid_until_ts !== undefined && valid_until_ts < Date.now();
  const title = `${mark(expired_ts !== undefined || isOver ? "skip" : "pass", paint)} ${paint("bold", printable(key_id))}  ${public_key}`;
  return [...hung(title, 0, width), ...hung(validity(), 2, width)];

  function validity(): string {
    if (expired_ts !== undefined) return `old: no longer in use since ${when(expired_ts)}; proves events from before`;
    if (valid_until_ts === undefined) return "in use";
    if (isOver) return `not valid any more since ${when(valid_until_ts)}: the server has to publish its keys anew`;
    const capped = said > valid_until_ts ? `; the server says ${moment(said)}, but more than 7 days do not count` : "";
    return `in use, valid until ${when(valid_until_ts)}${capped}`;
  }
}

function signatureLines({ server, key_id, result, code }: Signer, of: string, width: number, paint: Paint): string[] {
  const isValid = result === "valid";
  const worth = server === of ? "proves that these are its keys" : "a notary's, which is not needed";
  const said = isValid ? worth : `${result.replaceAll("_", " ")}${code === undefined ? "" : ` (${code})`}`;
  const sign = mark(isValid ? "pass" : result === "invalid" ? "fail" : "incomplete", paint);
  return hung(`${sign} signed by ${printable(server)} with ${printable(key_id)}: ${said}`, 0, width);
}

function when(ms: number): string {
  return `${moment(ms)} (${fromNow(ms)})`;
}

function mark(result: keyof typeof MARKS, paint: Paint): string {
  return paint(MARKS[result].format, MARKS[result].mark);
}
