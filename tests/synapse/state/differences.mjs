// Where Synapse and fedproof resolve states differently, and why: the rows of docs/differences-synapse-state.md.
// A row explains as little as it can: `explains` gets the room and says which state Synapse must then come to.
import { resolveState } from "fedproof";

export const differences = [
  {
    input: "v1: a state has an event that is told to be rejected (the states of an honest server have none)",
    synapse: "leaves it out of the conflicts, and keeps it where no state disagrees; neither it nor what is left alone at its place has a say when others are authorized",
    fedproof: "takes it as any other",
    why: "Algorithm 1 knows no rejected events. Synapse's database does not give them to it, after it has sorted out what authorizes what.",
    explains: (room, stateOfSynapse) =>
      room.room_version === "1" && room.rejected.length > 0 && isSame(withoutRejected(room), stateOfSynapse),
  },
  {
    input: "v12: one state has no `m.room.create`, and another has it (the states of an honest server all have it)",
    synapse: "counts the create event among the auth events of all others, so what lies between it and a conflicted event is in the conflicted subgraph",
    fedproof: "follows `auth_events`, which do not have it",
    why: "By the text, the paths of the subgraph follow `auth_events` edges, and in v12 none of these leads to the create event.",
    explains: ({ room_version: version, state_sets: sets }) => version === "12" && sets.some(hasCreate) && !sets.every(hasCreate),
  },
];

const hasCreate = (state) => state.some(([type, stateKey]) => type === "m.room.create" && stateKey === "");

/** What a room of version 1 becomes if rejected events cannot be found: places that are settled by that have no say. */
function withoutRejected({ room_version: roomVersion, state_sets: stateSets, events, rejected }) {
  const isGood = ([, , id]) => !rejected.includes(id);
  const placeOf = ([type, stateKey]) => JSON.stringify([type, stateKey]);
  const candidates = new Map();
  for (const entry of stateSets.flat()) {
    const place = placeOf(entry);
    candidates.set(place, (candidates.get(place) ?? new Map()).set(entry[2], entry));
  }
  const settled = new Map();
  for (const [place, entries] of candidates) {
    const all = [...entries.values()];
    const good = all.filter(isGood);
    if (good.length < all.length && good.length <= 1) settled.set(place, all.length === 1 ? all : good);
  }
  const isOpen = (entry) => isGood(entry) && !settled.has(placeOf(entry));
  const { state } = resolveState({ roomVersion, stateSets: stateSets.map((set) => set.filter(isOpen)), events });
  return [...state, ...[...settled.values()].flat()];
}

/** Do two states have the same entries? */
export function isSame(one, other) {
  return onlyIn(one, other).length === 0 && onlyIn(other, one).length === 0;
}

/** The entries of a state that another has not. */
export function onlyIn(one, other) {
  const known = new Set(other.map((entry) => JSON.stringify(entry)));
  return one.filter((entry) => !known.has(JSON.stringify(entry)));
}

/** The whole of docs/differences-synapse-state.md. */
export function document(release, count) {
  const rows = differences.map(({ input, synapse, fedproof, why }) => `| ${input} | ${synapse} | ${fedproof} | ${why} |`);
  return `# Where fedproof and Synapse resolve states differently

Synapse ${release}, asked for what several states of a room become: \`synapse.state.v1\` and \`synapse.state.v2\`, \`resolve_events_with_store\`, over a store in memory that answers as its database does. A test (\`tests/js/synapse-state.test.mjs\`, rooms from \`tests/synapse/state\`) gives ${count.toLocaleString("en")} generated forked rooms of versions 1 to 12 to both, and compares the resolved states entry by entry. Every difference falls into one of these rows, and each row is seen; the test writes this file. Where the text of the specification and Synapse part ways (the auth difference counts the states' own events; power events are followed inside the full conflicted set only), fedproof follows Synapse, as servers must agree. Synapse counts \`m.room.create\` as a power event and fedproof does not, but no resolved state depends on that. How the rules judge single events is in [differences-synapse.md](differences-synapse.md).

| input | Synapse | fedproof | why |
|---|---|---|---|
${rows.join("\n")}
`;
}
