// State resolution in wasm beside ruma natively, and whole rooms received event by event.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { at } from "../../tools/lib/paths.mjs";
import { median, race } from "./race.mjs";

const NATIVE = at("target/bench/release/fedproof-bench");
const MEMBERS = 10_000;
const TIMES = 20;

/** One fork at the end of a room of 30,000 events, from the room as each side has taken it in. */
export async function bigRooms(module) {
  const rows = [];
  for (const disputed of [10, 100]) {
    const ours = new module.Resolution("11", MEMBERS, disputed);
    const theirs = await serve("serve-ruma", MEMBERS, disputed);
    if (ours.digest() !== theirs.first) throw new Error(`fedproof and ruma do not agree about the room with ${disputed} conflicts`);
    const results = await race({
      fedproof: { events: TIMES, block: () => ours.resolve(TIMES) },
      ruma: { events: 1, block: theirs.next, tells: true },
    }, { rounds: 15 });
    theirs.end();
    ours.free();
    const times = { ours: results.median("fedproof"), theirs: results.median("ruma"), ratio: results.ratio("fedproof", "ruma") };
    rows.push({ part: "State resolution, 10,000 members and 30,000 events", what: `inside wasm, ${disputed} conflicts`, against: "ruma, native, finding the auth chains too", ...times, goal: 10 });
  }
  return rows;
}

/** A native process that does something each time it is told to, and says what CPU time that took. */
async function serve(...command) {
  const server = spawn(NATIVE, command.map(String), { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`fedproof-bench ${command[0]} has ended`);
    return value;
  };
  return {
    first: await next(),
    async next() {
      server.stdin.write("\n");
      return Number(await next());
    },
    end: () => server.stdin.end(),
  };
}

const EVENTS = 100_000;
const REPEATS = 3;

/** Rooms with 20,000 and 40,000 members and a fork every 500 events, each received in a fresh process. */
export function replays() {
  return ["11", "12"].flatMap((version) => {
    const [once, twice] = [EVENTS, 2 * EVENTS].map((count) => roomFile(version, count));
    const runs = Array.from({ length: REPEATS }, () => [replay(version, once, EVENTS), replay(version, twice, 2 * EVENTS)]);
    const middle = (of) => median(runs.map(of));
    const all = (run) => run.inside + run.reading;
    const event = ([run]) => run.inside / run.events;
    const reading = middle(([run]) => run.reading / run.events);
    const part = `A room of 100,000 events and 200 forks, version ${version}, all but the signatures`;
    const seconds = (value) => `${(value / 1e6).toFixed(1)} s`;
    return [
      { part, what: `an event, in wasm; ${reading.toFixed(1)} µs more for its verdict as an object`, against: "one check of a signature, dalek in wasm", ours: middle(event), theirs: middle(([run]) => run.check), ratio: middle((run) => run[0].check / event(run)), goal: 5 },
      { part, what: "memory of the process at its peak", against: `${megabytes(middle(([run]) => run.module)).toFixed(0)} MB of it the module's`, ours: megabytes(middle(([run]) => run.peak)), atMost: 512, unit: "MB" },
      { part, what: "twice the room, in time", against: `${seconds(middle(([run]) => all(run)))} and ${seconds(middle(([, run]) => all(run)))}`, ours: middle(([one, two]) => all(two) / all(one)), atMost: 2.2, unit: "×" },
    ];
  });
}

function roomFile(version, count) {
  const file = at(`target/bench/room-${version}-${count}.ndjson`);
  run(NATIVE, ["write-room", version, count, file]);
  return file;
}

function replay(version, file, count) {
  const told = JSON.parse(run(process.execPath, [at("benches/js/replay.mjs"), version, file]).split("\n").at(-2));
  if (told.outcomes.accepted !== count) throw new Error(`of ${count} events ${JSON.stringify(told.outcomes)}`);
  return told;
}

function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args.map(String), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const megabytes = (bytes) => bytes / 1e6;
