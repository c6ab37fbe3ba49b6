// Is an event allowed? By its auth events and by the state of its room, inside wasm; and what a long
// server ACL costs a caller.
import { ServerAcl } from "../../pkg/dist/index.js";
import { sha256 } from "./plain.mjs";
import { race } from "./race.mjs";

const VERSION = "11";
const CHECKS = 2000;

/** The checks of one event, in a loop inside each module. */
export async function authorization(ours, theirs) {
  const rows = [];
  for (const [what, events] of [["a message", message()], ["a join of a public room", join()]]) {
    const contender = (module) => {
      const judge = new module.Authorization(VERSION, JSON.stringify(events));
      return { events: CHECKS, block: () => judge.judge(CHECKS) };
    };
    const results = await race({ fedproof: contender(ours), ruma: contender(theirs) }, { rounds: 81 });
    const times = { ours: results.median("fedproof"), theirs: results.median("ruma"), ratio: results.ratio("fedproof", "ruma") };
    rows.push({ part: "Authorization, inside wasm", what, against: "ruma in wasm", ...times, goal: 1 });
  }
  return rows;
}

const ALICE = "@alice:one.example";
const BOB = "@bob:two.example";
const CAROL = "@carol:three.example";

/** The room of benches/native/src/auth.rs: pairs of an ID and a text. */
function room() {
  const events = [];
  const add = (type, sender, state_key, content, cited) => events.push(pair(events, { type, sender, state_key, content }, cited));
  const levels = { users_default: 0, events_default: 0, state_default: 50, ban: 50, kick: 50, redact: 50, invite: 0, users: { [ALICE]: 100 }, events: { "m.room.name": 50, "m.room.power_levels": 100, "m.room.topic": 50 } };
  add("m.room.create", ALICE, "", { room_version: VERSION }, []);
  add("m.room.member", ALICE, ALICE, { membership: "join" }, [0]);
  add("m.room.power_levels", ALICE, "", levels, [0, 1]);
  add("m.room.join_rules", ALICE, "", { join_rule: "public" }, [0, 1, 2]);
  add("m.room.member", BOB, BOB, { membership: "join" }, [0, 2, 3]);
  return events;
}

function pair(earlier, event, cited) {
  const id = (index) => earlier[index][0];
  const previous = earlier.slice(-1).map(([previous]) => previous);
  const text = JSON.stringify({ ...event, room_id: "!room:one.example", depth: 7, origin_server_ts: 1_700_000_000_000, prev_events: previous, auth_events: cited.map(id), hashes: { sha256: "x" }, signatures: {} });
  // Any hash does for an ID: neither side asks here whether it is that of the event.
  return [`$${sha256(text).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_")}`, text];
}

function message() {
  const events = room();
  return [...events, pair(events, { type: "m.room.message", sender: BOB, content: { msgtype: "m.text", body: "hello" } }, [0, 2, 4])];
}

function join() {
  const events = room();
  return [...events, pair(events, { type: "m.room.member", sender: CAROL, state_key: CAROL, content: { membership: "join" } }, [0, 2, 3])];
}

/** An ACL of 10,000 entries through the boundary: a third each of names, `*.name` and other globs. */
export async function acl() {
  const kinds = [(index) => `host${index}.evil.example`, (index) => `*.spam${index}.example`, (index) => `*b?d*${index}.ex*mple`];
  const entries = Array.from({ length: 10_000 }, (_, index) => kinds[index % 3](index));
  // No glob can be given up at its first symbol, and every entry is asked: a name that is denied stands at
  // the end of `deny`, one that is allowed at the end of `allow`, and one that is not matched in neither.
  const half = entries.length / 2;
  const allow = [...entries.slice(half + 1).map((entry) => entry.replace(/example$/, "test").replace("ex*mple", "t*st")), "*g?od.*.exampl?"];
  const text = JSON.stringify({ allow_ip_literals: false, deny: [...entries.slice(0, half - 1), "*b?d.*.exampl?"], allow });
  const compiled = await race({ compile: { events: 1, block: () => new ServerAcl(text).dispose() } }, { rounds: 21 });

  const list = new ServerAcl(text);
  const asked = { denied: ["matrix.bad.bed.bid.some.example", false], allowed: ["matrix.bid-bed-x.good.some.example", true], "not matched": ["matrix.bad-bed-bid.some.neutral.example.org", false] };
  for (const [name, wanted] of Object.values(asked)) if (list.isAllowed(name) !== wanted) throw new Error(`the ACL does not say of ${name} what it should`);
  const ask = ([name]) => ({ events: 20, block: () => { for (let time = 0; time < 20; time++) list.isAllowed(name); } });
  const answers = await race(Object.fromEntries(Object.entries(asked).map(([kind, question]) => [kind, ask(question)])), { rounds: 41 });
  const [worst] = Object.keys(asked).toSorted((one, other) => answers.median(other) - answers.median(one));
  const against = `${(compiled.median("compile") / 1000).toFixed(1)} ms to compile it once`;
  return [{ part: "A server ACL of 10,000 entries, from JavaScript", what: `one answer, the slowest kind: ${worst}`, against, ours: answers.median(worst), atMost: 1000 }];
}
