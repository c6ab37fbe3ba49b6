// What people's programs may and may not write; compiled, never run.
import {
  type AclDecision,
  authTypesForEvent,
  canonicalJson,
  type Check,
  checkAuth,
  type CheckAuthOptions,
  eventId,
  FedproofError,
  type KeyReport,
  KeyRing,
  type Outcome,
  type PowerLevel,
  powerLevels,
  receiveEvent,
  type ResolutionTrace,
  type ResolvedState,
  resolveState,
  Room,
  RoomContext,
  type RequestJudgment,
  type RuleStep,
  ServerAcl,
  Session,
  signEvent,
  SigningKey,
  signRequest,
  type StateEntry,
  type StateKey,
  type Verdict,
  verifyEvent,
  verifyEvents,
  verifyRequest,
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

const around: CheckAuthOptions = { roomVersion: "11", authEvents: [bytes, "{}", pdu], state: undefined, rejected: ["$x"] };
const judged: Verdict = checkAuth(pdu, { ...around, keys, trace: true });
export const path: RuleStep[] | undefined = judged.checks[1]?.path;
export const types: StateKey[] = authTypesForEvent(pdu, "11");
export const level: PowerLevel | undefined = powerLevels("{}", "11").users["@a:example.org"];
const room = new RoomContext({ roomVersion: "12", currentState: [pdu], createEvent: bytes });
export const soft: boolean = room.receiveEvent(pdu, { keys }).outcome === "soft_failed";
receiveEvent(bytes, { roomVersion: "11", currentState: ["{}"], keys });
const states: StateEntry[][] = [[["m.room.create", "", "$a"]]];
const resolved: ResolvedState = resolveState({ roomVersion: "11", stateSets: states, events: [bytes, "{}", pdu], trace: true });
export const trace: ResolutionTrace | undefined = resolved.trace;
export async function feed(incoming: AsyncIterable<Uint8Array>): Promise<Outcome[]> {
  const whole = new Room({ roomVersion: "11", keys, evidence: true });
  const outcomes: Outcome[] = whole.add([pdu]).map(({ outcome }) => outcome);
  for await (const { outcome } of whole.feed(incoming, { signal: { aborted: false } })) outcomes.push(outcome);
  const [first] = whole.currentState();
  const before: StateEntry[] | undefined = whole.stateBefore(first?.[2] ?? "");
  Room.load(whole.save(), { keys }).trace(before?.map(([, , id]) => id));
  return outcomes;
}
const decision: AclDecision = new ServerAcl(pdu).check("example.org:8448");
export const step: 1 | 2 | 3 | 4 | 5 | undefined = decision.step;
export const ofRoom: string | undefined = ServerAcl.endpoint("/_matrix/federation/v1/send/1")?.room_id;
const edu = ServerAcl.eduRooms({ edu_type: "m.receipt", content: {} });
export const rooms: string[] = edu.protection === "by_room" ? edu.rooms : [];

const target = { method: "PUT", uri: "/_matrix/federation/v1/send/1" };
const { authorization, body } = signRequest({ ...target, serverName: "a.example", key, destination: "b.example", content: pdu });
const made: RequestJudgment = verifyRequest({ ...target, authorization: [authorization], body, serverName: ["b.example"], keys, now: 1 });
export const by: string = made.outcome === "accepted" ? made.origin : made.reason;
export const answer: 400 | 401 | undefined = made.outcome === "accepted" ? undefined : made.status;
export const asked: string[] = made.outcome === "incomplete" ? made.missing.map(({ server, key_id }) => server + key_id) : [];
verifyRequest({ ...target, authorization: null, serverName: "b.example" });

// @ts-expect-error nobody is proven to have made a request that may be refused
made.origin;
// @ts-expect-error a request is signed for somebody
signRequest({ ...target, serverName: "a.example", key });
// @ts-expect-error targets are text, as they are sent
verifyRequest({ method: "GET", uri: new URL("https://b.example/"), serverName: "b.example" });
// @ts-expect-error a number is no event
verifyEvent(5);
// @ts-expect-error there is no such option
verifyEvent("{}", { room_version: "11" });
// @ts-expect-error room versions are strings
eventId("{}", 11);
// @ts-expect-error keys come from generate, fromSeed or a key file
new SigningKey();
// @ts-expect-error checkAuth knows no current state
checkAuth("{}", { roomVersion: "11", currentState: [] });
// @ts-expect-error a state is a list of events
checkAuth("{}", { roomVersion: "11", state: "[]" });
// @ts-expect-error the room's version must be said
new RoomContext({ state: [] });
// @ts-expect-error the room is in the context
room.checkAuth("{}", { state: [] });
// @ts-expect-error no such outcome
if (verdict.outcome === "ok") throw new Error();
