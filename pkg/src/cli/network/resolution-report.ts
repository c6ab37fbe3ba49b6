/** Where a server is, and whether it is there, for people. */
import wrap from "wrap-ansi";
import type { Resolution } from "../../index.js";
import { MARKS } from "../outcome.js";
import { type Paint, plural, printable } from "../style.js";
import type { Connection } from "./connections.js";
import { hintsFor } from "./hints.js";
import { hung } from "./ladder.js";
import { fromNow, moment } from "./times.js";

const LABEL = 13;
const MOST_NAMES = 6;

/** What the ladder came to. */
export function decisionText(resolution: Resolution, width: number, paint: Paint): string {
  const { step, host_header, tls_name, candidates, expires_ts, well_known } = resolution;
  const places = candidates.map((place) => placeInWords(place));
  const facts: [string, string][] = [
    ["found by", `step ${step}${well_known ? `, at the delegate ${printable(well_known.delegate)}` : ""}`],
    ...places.map((place, index): [string, string] => [index === 0 ? "connect to" : "then", place]),
    ["Host header", printable(host_header)],
    ["certificate", `for ${tls_name === undefined ? `the address ${printable(host_header)}` : printable(tls_name)}`],
    ["holds until", expires_ts === undefined ? "the name changes: nothing was looked up" : `${moment(expires_ts)} (${fromNow(expires_ts)})`],
  ];
  return facts.map(([label, value]) => hung(`${paint("dim", label.padEnd(LABEL))}${paint("bold", value)}`, 0, width).join("\n")).join("\n") + "\n";
}

/** What came of each place. */
export function connectionsText(connections: readonly Connection[], width: number, paint: Paint): string {
  const lines = connections.flatMap((connection) => connectionLines(connection, width, paint));
  return lines.map((line) => `${line}\n`).join("");
}

/** What to do about places that do not answer. */
export function connectionHints(connections: readonly Connection[], width: number): string {
  const codes = connections.filter(({ answers, out_of_reach }) => !answers && !out_of_reach).map(({ code = "" }) => code);
  const hints = [...new Set(codes)].flatMap((code) => hintsFor(code, { is_shown: true }));
  return hints.map((hint) => `\n${wrap(hint, width)}\n`).join("");
}

/** The last line. */
export function summaryText(name: string, connections: readonly Connection[], paint: Paint): string {
  const tried = connections.filter(({ out_of_reach }) => !out_of_reach);
  const good = tried.filter(({ answers }) => answers).length;
  const count = plural(tried.length, "place");
  const bold = paint("bold", printable(name));
  const aside = connections.length > tried.length ? `; ${connections.length - tried.length} over IPv6, which this machine does not have` : "";
  if (good === tried.length && good > 0) return `${bold}: ${paint("green", tried.length === 1 ? "it answers" : `all ${count} answer`)}${aside}\n`;
  if (good === 0) return `${bold}: ${paint("red", tried.length === 1 ? "it does not answer" : `none of ${count} answers`)}${aside}\n`;
  return `${bold}: ${paint("yellow", `${good} of ${count} ${good === 1 ? "answers" : "answer"}`)}; who comes to another does not get through${aside}\n`;
}

function connectionLines(connection: Connection, width: number, paint: Paint): string[] {
  const { answers, out_of_reach, took_ms, name, version, code, message, certificate } = connection;
  const { mark, format } = MARKS[answers ? "pass" : out_of_reach ? "skip" : "fail"];
  const took = paint("dim", `  ${took_ms} ms`);
  const lines = hung(`${paint(format, mark)} ${paint("bold", placeInWords(connection))}${took}`, 0, width);
  if (answers) {
    const software = [name, version].filter((part) => part !== undefined).join(" ");
    lines.push(...hung(printable(software === "" ? "it does not say which software it runs" : software), 2, width));
  } else {
    const said = out_of_reach ? `this machine has no way to IPv6 addresses (${message ?? ""})` : `${message ?? ""} (${code ?? ""})`;
    // What is wrong with a certificate stands below, in fewer words.
    const isShown = code === "host_tls" && certificate !== undefined && (!certificate.fits || certificate.untrusted !== undefined);
    lines.push(...(isShown ? [] : hung(printable(said), 2, width)));
  }
  if (certificate === undefined) return lines;
  const { names, issuer, valid_until_ts, fits, untrusted } = certificate;
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  const fit = fits ? paint("green", "is for the right name") : paint("red", "is for other names");
  const trust = untrusted === undefined ? "" : `, and ${paint("red", `is not trusted: ${printable(untrusted)}`)}`;
  lines.push(...hung(`the certificate ${fit}${trust}${code === "host_tls" ? ` (${code})` : ""}`, 2, width));
  lines.push(...hung(paint("dim", printable(`for ${names.slice(0, MOST_NAMES).join(", ") || "no name"}${more}`)), 4, width));
  const until = valid_until_ts === null ? "until nobody knows" : `until ${moment(valid_until_ts)} (${fromNow(valid_until_ts)})`;
  lines.push(...hung(paint("dim", printable(`by ${issuer}, ${until}`)), 4, width));
  return lines;
}

function placeInWords({ host, address, port }: { host: string; address?: string; port: number }): string {
  const target = address === undefined || address === host ? "" : ` (${printable(host)})`;
  return `${printable(address ?? host)} port ${port}${target}`;
}
