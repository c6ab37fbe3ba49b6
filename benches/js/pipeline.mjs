// Checks 1 to 3 through the boundary, against what a JavaScript user can take instead.
import { KeyRing, Session } from "../../pkg/dist/index.js";
import { readVerdicts } from "../../pkg/dist/verdicts.js";
import { FETCHED_AT } from "./corpus.mjs";
import { withNoble, withNodeCrypto, withoutSignatures, withRocketChat } from "./opponents.mjs";
import { race } from "./race.mjs";

const BATCH = 50;
const encoder = new TextEncoder();

/** Events in the forms in which the contenders take them. */
function prepare(events) {
  const transactions = [];
  for (let first = 0; first < events.length; first += BATCH) {
    const pdus = events.slice(first, first + BATCH);
    transactions.push(encoder.encode(`{"origin":"s0.example.org","origin_server_ts":1780000000000,"pdus":[${pdus.join(",")}]}`));
  }
  const singles = events.map((event) => encoder.encode(event));
  const turn = (list) => (round) => list[round % list.length];
  return {
    transactions,
    transaction: turn(transactions),
    /** Every round some other events, as they come. */
    some: (round, count) => Array.from({ length: count }, (_, index) => singles[(round * count + index) % singles.length]),
    count: events.length,
  };
}

/** As rooms have them: Synapse sends canonical JSON, others do not. */
const mixed = (corpus) => corpus.events.map((event, index) => (index % 2 === 0 ? event : corpus.canonical[index]));

export function makeSession(corpus) {
  const keys = new KeyRing();
  for (const response of corpus.server_keys) keys.addServerKeys(JSON.stringify(response), { fetchedTs: FETCHED_AT });
  return new Session({ roomVersion: corpus.room_version, keys });
}

/** (a) With the signature. */
export async function signed(corpus, say) {
  const events = prepare(mixed(corpus));
  const session = makeSession(corpus);
  const openssl = withNodeCrypto(corpus);
  const noble = await withNoble(corpus);
  const rocketChat = optional(() => withRocketChat(corpus), (error) => say(`@rocket.chat/federation-sdk cannot be loaded and is left out: ${error.message}`));
  await allAgree(events.transactions, session, [openssl, noble], rocketChat);

  const batch = {
    fedproof: { events: BATCH, block: (round) => session.verify(events.transaction(round)) },
    openssl: { events: BATCH, block: (round) => openssl.batch(events.transaction(round)) },
  };
  const few = 12;
  const single = {
    fedproof: { events: few, block: (round) => events.some(round, few).map((event) => session.verifyEvent(event)) },
    openssl: { events: few, block: (round) => events.some(round, few).map(openssl.single) },
    noble: { events: few, block: (round) => events.some(round, few).map(noble.single) },
  };
  const veryFew = 2;
  if (rocketChat) {
    single.rocketChat = {
      events: veryFew,
      async block(round) {
        for (const event of events.some(round, veryFew)) await rocketChat.single(event);
      },
    };
  }
  const batched = await race(batch, { rounds: 81 });
  const alone = await race(single, { rounds: 41 });
  const row = (results, what, theirs, opponent, goal) => ({ part: "Checks 1-3, one signature an event", what, against: opponent, ...pair(results, "fedproof", theirs), goal });
  return [
    row(batched, "batch of 50", "openssl", "plain JavaScript, node:crypto", 1),
    row(alone, "event by event", "openssl", "plain JavaScript, node:crypto", 1),
    row(alone, "event by event", "noble", "plain JavaScript, @noble/ed25519", 8),
    ...(rocketChat ? [row(alone, "event by event", "rocketChat", "@rocket.chat/federation-sdk", 25)] : []),
  ];
}

/**
 * (b) Everything but the signature: every signature by a known key is taken for right. On our side
 * that is the module with loops inside, which has such a check; its answer is read as the face does.
 */
export async function unsigned(corpus, module) {
  const trusting = trustingModule(corpus, module);
  const session = { verify: (transaction) => readVerdicts(trusting.judge(transaction, corpus.room_version)) };
  const rows = [];
  for (const [form, list] of forms(corpus)) {
    const events = prepare(list);
    const plain = withoutSignatures(corpus);
    await allAgree(events.transactions, session, [plain]);
    const results = await race({
      fedproof: { events: BATCH, block: (round) => session.verify(events.transaction(round)) },
      plain: { events: BATCH, block: (round) => plain.batch(events.transaction(round)) },
    }, { rounds: 161 });
    rows.push({ part: "The same without the signature", what: `batch of 50, ${form}`, against: "plain JavaScript, OpenSSL's SHA-256", ...pair(results, "fedproof", "plain"), goal: 2.5 });
  }
  return rows;
}

function trustingModule(corpus, module) {
  const trusting = module.Inside.trusting();
  for (const response of corpus.server_keys) trusting.add_keys(encoder.encode(JSON.stringify(response)), FETCHED_AT);
  return trusting;
}

/** (c) Canonical JSON two ways in one module, and (d) what crossing the boundary costs. */
export async function inside(corpus, module) {
  const rows = [];
  for (const [form, list] of forms(corpus)) {
    const events = prepare(list);
    const inside = new module.Inside();
    for (const transaction of events.transactions) inside.add(transaction);
    if (!inside.canonical_agrees()) throw new Error("serde_json and fedproof do not agree on the canonical form of the corpus");
    const results = await race({
      streaming: { events: events.count, block: () => inside.canonical() },
      value: { events: events.count, block: () => inside.canonical_by_value() },
    });
    rows.push({ part: "Canonical JSON inside wasm", what: form, against: "serde_json::Value", ...pair(results, "streaming", "value"), goal: 2.5 });
  }

  const events = prepare(mixed(corpus));
  const loop = trustingModule(corpus, module);
  for (const transaction of events.transactions) loop.add(transaction);
  const results = await race({
    face: { events: events.count, block: () => events.transactions.forEach((transaction) => readVerdicts(loop.judge(transaction, corpus.room_version))) },
    loop: { events: events.count, block: () => loop.judge_all(corpus.room_version) },
  }, { rounds: 61 });
  const cost = results.beyond("face", "loop");
  rows.push({ part: "Crossing the boundary, batch of 50", what: "µs an event beyond the Rust work", ours: cost, against: `${results.median("loop").toFixed(1)} µs of Rust work`, atMost: 3 });
  return rows;
}

const forms = ({ events, canonical }) => [["keys in any order", events], ["keys in canonical order", canonical]];

const pair = (results, ours, theirs) => ({ ours: results.median(ours), theirs: results.median(theirs), ratio: results.ratio(ours, theirs) });

/** A race between unequal answers proves nothing. */
async function allAgree(transactions, session, pipelines, rocketChat) {
  const facts = ({ event_id, outcome, redacted }) => `${event_id} ${outcome} ${redacted}`;
  for (const bytes of transactions) {
    const ours = session.verify(bytes).map(facts).join("\n");
    for (const pipeline of pipelines.slice(0, bytes === transactions[0] ? undefined : 1)) {
      if (pipeline.batch(bytes).map(facts).join("\n") !== ours) throw new Error("the contenders do not agree about the corpus");
    }
  }
  await rocketChat?.batch(transactions[0], 4);
}

function optional(make, otherwise) {
  try {
    return make();
  } catch (error) {
    otherwise(error);
    return undefined;
  }
}
