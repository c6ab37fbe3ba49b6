// What people's programs may and may not write; compiled, never run.
import {
  canonicalJson,
  type Check,
  eventId,
  FedproofError,
  type KeyReport,
  KeyRing,
  Session,
  signEvent,
  SigningKey,
  type Verdict,
  verifyEvent,
  verifyEvents,
} from "fedproof";

interface Pdu {
  type: string;
  depth: number;
}
const pdu: Pdu = { type: "m.room.message", depth: 1 };
const bytes = new Uint8Array();
const keys = new KeyRing();
const report: KeyReport = keys.addServerKeys(bytes, { fetchedTs: 1 });
const verdict: Verdict = verifyEvent(pdu, { roomVersion: "11", keys });
const many: Verdict[] = verifyEvents([pdu, "{}", bytes], { roomVersion: undefined });
const failed: Check | undefined = verdict.checks.find(({ result }) => result === "fail");
const key = SigningKey.generate();
export const texts: string[] = [
  canonicalJson(bytes, { lenient: true }),
  eventId("{}", "11"),
  signEvent(pdu, { serverName: "example.org", key, roomVersion: "11" }),
  failed?.code ?? report.server_name,
  new FedproofError("aborted", "The call was aborted.").code,
  ...many.map(({ outcome }) => outcome),
];
new Session({ keys }).verify({ pdus: [pdu] });

// @ts-expect-error a number is no event
verifyEvent(5);
// @ts-expect-error there is no such option
verifyEvent("{}", { room_version: "11" });
// @ts-expect-error room versions are strings
eventId("{}", 11);
// @ts-expect-error keys come from generate, fromSeed or a key file
new SigningKey();
// @ts-expect-error no such outcome
if (verdict.outcome === "ok") throw new Error();
