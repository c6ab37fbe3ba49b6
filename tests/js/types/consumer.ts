// What people's programs may and may not write; compiled, never run.
import {
  type AclDecision,
  askHost,
  authTypesForEvent,
  canonicalJson,
  type Check,
  checkAuth,
  type CheckAuthOptions,
  createHandler,
  type Edu,
  eventId,
  Federation,
  FedproofError,
  type FetchAnswer,
  type FetchRequest,
  type FetchedState,
  type FilledGap,
  type Handler,
  type Host,
  type HostAnswer,
  type JoinedRoom,
  type KeyReport,
  KeyRing,
  type Outcome,
  type PowerLevel,
  type Progress,
  powerLevels,
  publishedKeys,
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
  type Signal,
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
import { browserHost } from "fedproof/hosts/browser";
import { denoHost } from "fedproof/hosts/deno";
import { memoryHost, type MemoryFault } from "fedproof/hosts/memory";
import { nodeHost, type NodeHost } from "fedproof/hosts/node";

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
const mine: Host = {
  srv: (name, { signal }) => (signal.aborted ? [] : [{ priority: 0, weight: 0, port: 1, target: name }]),
  addresses: async () => ({ addresses: ["192.0.2.1"], canonicalName: undefined }),
  https: async ({ body, address }) => ({ status: 200, headers: new Map([["a", address ?? "b"]]), body: body ?? new Uint8Array() }),
  capabilities: { names: false },
};
const faults: MemoryFault[] = [{ on: "https", when: (question) => question.kind === "https" && question.request.port === 1, what: { delay: 5 } }];
const world = memoryHost({ addresses: { a: ["192.0.2.1"] }, servers: { "192.0.2.1:1": { answer: { "GET /": { json: 1 } } } }, faults });
const node: NodeHost = nodeHost({ ca: "", allowAddresses: ["10.0.0.0/8"], insecure: false, servers: undefined });
export const hosts: Host[] = [mine, world, node, denoHost(), browserHost({ dnsOverHttps: "https://resolver.example/" })];
export async function asking(): Promise<string[]> {
  const onProgress = ({ stage, done, total }: Progress): unknown => stage + done + (total ?? 0);
  const answers: HostAnswer[] = await askHost(mine, [{ srv: "a" }, { https: { connectHost: "a" } }, { wait: 1 }], { timeLimit: 1, stepTimeLimit: undefined, onProgress });
  const answer = answers[1];
  return answer && "error" in answer ? [answer.error.code] : answer && "https" in answer ? answer.https.headers.flat() : [String(world.log[0]?.at)];
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

const ours = new Federation({ serverName: "b.example", signingKey: key, host: mine });
const held = new Map<string, Room>();
const edus: Edu[] = [];
const handler: Handler = createHandler({
  federation: ours,
  signingKeys: [key],
  oldKeys: [{ keyId: "ed25519:old", publicKey: key.publicKey, expiredTs: 1 }],
  rooms: (roomId) => held.get(roomId),
  version: { name: "mine" },
  decideInvite: async ({ userId, roomState }) => userId === "@a:b.example" || { errcode: "M_INVITE_BLOCKED", reason: String(roomState.length) },
  onVerdict: ({ outcome }, { room: one, origin }) => outcome + origin + String(one.currentEvent("m.room.name", "")),
  onEdu: (edu) => edus.push(edu),
  onError: (error, { target: where }) => void [error, where],
});
export const answering = async (incoming: FetchRequest): Promise<number> => {
  const answered: FetchAnswer = await handler(incoming, { target: "/" });
  return answered.status;
};
export const published: string = publishedKeys({ serverName: "b.example", keys: key, validUntilTs: 1 });

// @ts-expect-error a handler must know the rooms
createHandler({ federation: ours, signingKeys: key });
// @ts-expect-error an invite is decided by a word that there is
createHandler({ federation: ours, signingKeys: key, rooms: () => undefined, decideInvite: () => ({ errcode: "M_UNKNOWN" }) });
// @ts-expect-error until when they are valid must be said
publishedKeys({ serverName: "b.example", keys: key });

const federation = new Federation({ serverName: "a.example", signingKey: key, host: mine, keys, notaries: ["n.example"], timeLimit: undefined });
const inRoom = { roomId: "!x:b.example", roomVersion: "11" } as const;
export async function conversing(signal: Signal): Promise<void> {
  const limits = { signal, timeLimit: 1, onProgress: ({ stage }: Progress): unknown => stage };
  const { step, tls_name } = await federation.resolve("b.example", limits);
  const joined: JoinedRoom = await federation.join({ roomId: inRoom.roomId, userId: "@a:a.example", via: [step, tls_name ?? ""], ...limits });
  const draft: string = joined.room.draft({ type: "m.room.message", sender: "@a:a.example", content: { body: "x" }, stateKey: undefined });
  const outcome: Outcome = joined.report.verdict.outcome;
  const { state, missing }: FetchedState = await federation.state("b.example", "$a", { ...inRoom, signal });
  const filled: FilledGap = await federation.fillGap("b.example", joined.room, draft, { ...inRoom, maxEvents: 5 });
  const { pdus, failure } = await federation.send("b.example", { pdus: [draft, bytes], roomVersion: "11", edus: [{ edu_type: "m.typing" }] });
  const by: "events" | "state" | "nothing" = filled.by;
  const { fields } = await federation.queryProfile("@b:b.example");
  const texts: string[] = [outcome, by, ...missing, ...fields.values(), failure?.code ?? String(pdus), state[0]?.pdu ?? ""];
  throw new Error(texts.join());
}

// @ts-expect-error a conversation needs a host
new Federation({ serverName: "a.example" });
// @ts-expect-error an event is of a room version
federation.event("b.example", "$a", { roomId: "!x:b.example" });
// @ts-expect-error somebody must be asked
federation.join({ roomId: "!x:b.example", userId: "@a:a.example" });
// @ts-expect-error there is no such method
federation.request("b.example", { method: "PATCH", target: "/" });
// @ts-expect-error an event has a type
new Room({ roomVersion: "11" }).draft({ sender: "@a:a.example" });
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
// @ts-expect-error a host makes requests
askHost({ srv: () => [] }, []);
// @ts-expect-error a status is a number
askHost({ https: () => ({ status: "200", headers: [], body: bytes }) }, []);
// @ts-expect-error a body is bytes
askHost({ https: () => ({ status: 200, headers: [], body: "{}" }) }, []);
// @ts-expect-error headers are pairs
askHost({ https: () => ({ status: 200, headers: ["a"], body: bytes }) }, []);
// @ts-expect-error there is no such question
askHost(mine, [{ txt: "a" }]);
// @ts-expect-error networks are an array
nodeHost({ allowAddresses: "10.0.0.0/8" });
// @ts-expect-error there is no such fault
memoryHost({ faults: [{ on: "https", what: "explode" }] });
