// A chain in which a user changes a profile and then the power levels, again and again: each event cites
// the two before it, so that the ways along auth edges double with every pair, and the events do not.
import { createRequire } from "node:module";
import { eventId, resolveState } from "../../pkg/dist/index.js";
import { race } from "./race.mjs";

const VERSION = "11";
const ALICE = "@alice:one.example";
const ROOM = "!room:one.example";
/** The chain that is asked about, and shorter ones by which the growth of the other is measured. */
const PAIRS = 15;
const SHORTER = [8, 9, 10, 11];

function chain(pairs) {
  const events = [];
  const add = (type, state_key, content, auth_events) => {
    const prev_events = events.slice(-1).map(([id]) => id);
    const text = JSON.stringify({ type, sender: ALICE, state_key, content, room_id: ROOM, depth: events.length + 1, origin_server_ts: 1_700_000_000_000 + events.length, prev_events, auth_events, hashes: { sha256: "x" }, signatures: {} });
    const id = eventId(text, VERSION);
    events.push([id, text]);
    return id;
  };
  const profile = (cited) => add("m.room.member", ALICE, { membership: "join", displayname: `Alice ${events.length}` }, cited);
  const levels = (cited) => add("m.room.power_levels", "", { users: { [ALICE]: 100 }, revision: events.length }, cited);
  const create = add("m.room.create", "", { room_version: VERSION }, []);
  const states = [];
  let member = profile([create]);
  let power = levels([create, member]);
  for (let pair = 0; pair < pairs; pair++) {
    member = profile([create, power, member]);
    power = levels([create, power, member]);
    states.push([["m.room.create", "", create], ["m.room.member", ALICE, member], ["m.room.power_levels", "", power]]);
  }
  return { events, states, newest: power };
}

/**
 * Ours resolves the first state of the chain and the last, from the events as text. The other is asked
 * for the room's state at its end, and the auth chain of that, from events that it has read.
 */
export async function authChain() {
  const { events, states } = chain(PAIRS);
  const question = { roomVersion: VERSION, stateSets: [states[0], states.at(-1)], events: events.map(([, text]) => text) };
  if (resolveState(question).state.find(([type]) => type === "m.room.power_levels")[2] !== states.at(-1)[2][2]) throw new Error("the chain does not resolve to its end");
  const ours = await race({ fedproof: { events: 20, block: () => { for (let time = 0; time < 20; time++) resolveState(question); } } });

  const spent = [];
  for (const pairs of SHORTER) spent.push(await rocketChat(chain(pairs)));
  const growth = (spent.at(-1) / spent[0]) ** (1 / (spent.length - 1));
  const theirs = spent.at(-1) * growth ** (PAIRS - SHORTER.at(-1));
  const shorter = 3 + 2 * SHORTER.at(-1);
  const against = `@rocket.chat/federation-sdk: ${(spent.at(-1) / 1e6).toFixed(1)} s for ${shorter} events, and ${growth.toFixed(1)} times that for every two more`;
  return [{ part: "An auth chain of 33 events, from JavaScript", what: "states at both ends resolved", against, ours: ours.median("fedproof"), theirs, ratio: theirs / ours.median("fedproof"), goal: 1000 }];
}

/** CPU time of one answer in microseconds. */
async function rocketChat({ events, newest }) {
  // Its auth chains need what came with Node 22.
  Set.prototype.union ??= function union(other) {
    return new Set([...this, ...other]);
  };
  process.env.LOG_LEVEL = "silent";
  const { federationSDK } = createRequire(import.meta.url)("@rocket.chat/federation-sdk");
  const store = new Map(events.map(([eventId, text]) => {
    const event = JSON.parse(text);
    return [eventId, { eventId, event, getAuthEventIds: () => event.auth_events }];
  }));
  const service = federationSDK.eventService;
  service.stateService = {
    getEvent: async (id) => store.get(id),
    getStateBeforeEvent: async (event) => new Map([["m.room.power_levels:", event]]),
    getRoomVersion: async () => VERSION,
    _getStore: () => ({ getEvents: async (ids) => ids.map((id) => store.get(id)) }),
  };
  const before = process.cpuUsage();
  const { auth_chain } = await service.getState(ROOM, newest);
  const { user, system } = process.cpuUsage(before);
  if (auth_chain.length !== events.length - 1) throw new Error("@rocket.chat/federation-sdk gives another auth chain");
  return user + system;
}
