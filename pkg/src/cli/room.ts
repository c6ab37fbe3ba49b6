/** `fedproof room` */
import { Command, Option } from "commander";
import { KeyRing } from "../index.js";
import { add, milliseconds, roomVersionOption } from "./arguments.js";
import { warn } from "./key-files.js";
import { Activity } from "./network/activity.js";
import { converse } from "./network/conversation.js";
import { type Download, download } from "./network/download.js";
import { count, type NetworkFlags, withNetwork } from "./network/options.js";
import { findRoom } from "./network/room-name.js";
import { SavedFile } from "./network/saved-room.js";
import { type Finish, NOT_ACCEPTED, OK } from "./program.js";
import { Progress } from "./progress.js";
import { loadKeyFiles, type ReceiveFlags, receive } from "./receive-file.js";
import { JsonRoomReport, type RoomReport } from "./room-report.js";
import type { RoomTableOptions } from "./room-table.js";
import { plural } from "./style.js";
import { MemorySource, openSource, type Source } from "./source.js";
import { UsageError } from "./usage.js";

const HELP = `
The input is what "verify" takes: a room file ({"room_version", "server_keys", "pdus"}), NDJSON with an
event a line, an array of events or a transaction. From these events alone the room is built up: each
waits for those that it names in prev_events and auth_events, and is then judged by all seven checks,
with the state before it and the state at that time.

  $ fedproof room room.json --state
  $ fedproof room events.ndjson --keys keys.json --json | tail -1 | jq .summary

With --json there is a verdict a line, in the order in which events were decided, then those that go on
waiting (incomplete), then one line {"summary": {…}}: room_id, room_version, events, outcomes, repeated,
waiting, missing, forward_extremities, state (an array of [type, state_key, event_id]); of a room that
begins with a state by word of a server also outliers, events of it that are accepted and not listed.

Events are received in the order of the input. That matters for check 6 alone, which asks the state at
the time of arrival: events may be soft failed in one order and accepted in another.

With --from the room is fetched from a server first: its history as far back as the server gives it, the
keys of those who signed, and, where the history ends too early, the state there. The server answers only
if ours is in the room; "fedproof join" joins it.

  $ fedproof room --from example.org '!abc:example.org' --save room.json \\
      --key signing.key --server-name example.net

Exit codes: 0 all accepted, 1 some event is not accepted, 2 bad usage or unreadable input.

Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu`;

/** What `fedproof room` is told beside the file. */
interface RoomFlags extends ReceiveFlags, NetworkFlags {
  state?: boolean;
  all?: boolean;
  json?: boolean;
  from?: string;
  key?: string;
  serverName?: string;
  limit: number;
  save?: string;
}

export function roomCommand(finish: Finish): Command {
  const command = new Command("room")
    .summary("receive a whole room: all checks, and the state it comes to")
    .description("Receives the events of a room one after the other, through all checks, and tells its state.")
    .argument("<room>", 'a room file, NDJSON, an array of events or a transaction, "-" for standard input; with --from the ID or alias of a room')
    .option("--state", "list the state that the room comes to")
    .addOption(roomVersionOption("the version of the room, where the input does not say it"))
    .option("-k, --keys <file>", "keys of servers, as for verify; repeatable", add)
    .option("--fetched <ms>", "when the keys were fetched, in milliseconds since 1970 (default: later than all events)", milliseconds)
    .option("--backfill", "the events come from a backfill")
    .option("--trace", "tell every authorization rule that was considered")
    .option("--evidence", "show what was compared in the checks that passed, too (--json)")
    .option("--all", "list every event of a long input, not only those that are not accepted")
    .option("--json", "print a verdict a line, then a line with the summary");
  const from = [
    new Option("--from <server>", "fetch the room from this server, which is in it"),
    new Option("--key <file>", "the signing key of our server, which is in the room (ed25519 NAME SEED)"),
    new Option("-s, --server-name <name>", "the name of our server"),
    new Option("-n, --limit <count>", "how many events of the history at most").argParser(count).default(100_000),
    new Option("--save <file>", "write what was fetched to a new room file"),
  ];
  for (const option of from) command.addOption(option.helpGroup("From a server:"));
  return withNetwork(command)
    .addHelpText("after", HELP)
    .action(async (room: string, flags: RoomFlags) => {
      finish(await (flags.from === undefined ? roomFile(room, flags) : roomFrom(flags.from, room, flags)));
    });
}

/** Fetches a room, and reports it as a file. */
async function roomFrom(server: string, room: string, flags: RoomFlags): Promise<number> {
  const { key, save, limit, roomVersion, json } = flags;
  if (key === undefined || flags.serverName === undefined) {
    throw new UsageError("--from needs --key and --server-name: servers tell about a room only to servers in it");
  }
  const { serverName } = flags;
  const file = await SavedFile.create(save);
  let source: Source | undefined;
  try {
    const exitCode = await converse({ ...flags, key }, async ({ federation, signal, signingKey }) => {
      const { roomId } = await findRoom(room, [server], federation, signal);
      const activity = await Activity.begin(`asking ${server} for ${room}`, json);
      const wanted = { server, roomId, serverName, limit, roomVersion, signal, activity, signingKey };
      const came = await download(federation, wanted).finally(() => activity.end());
      const bytes = new TextEncoder().encode(came.file);
      await file?.write(bytes);
      warnOf(came, server, limit);
      source = new MemorySource(server, bytes);
      return came.unproven.length === 0 ? OK : NOT_ACCEPTED;
    });
    return source === undefined ? exitCode : Math.max(exitCode, await judged(source, flags));
  } finally {
    await file?.close();
  }
}

/** What the file does not tell of how it came about. */
function warnOf({ isCut, isLimited, unproven: [first, ...others] }: Download, server: string, limit: number): void {
  const byWord = `the state there is by word of ${server}`;
  if (isLimited) warn(`there are more than the ${limit.toLocaleString("en")} events of --limit; ${byWord}`);
  else if (isCut) warn(`the history begins in the middle: ${byWord}`);
  if (first === undefined) return;
  const unproven = `${plural(others.length + 1, "event")} that ${server} gave prove nothing, and are left out`;
  warn(`${unproven}; the first: ${first.reason} (${first.code})`);
}

async function roomFile(file: string, flags: RoomFlags): Promise<number> {
  return judged(await openSource(file), flags, file);
}

/** Receives one source and reports it; answers the exit code. */
async function judged(source: Source, flags: RoomFlags, file = ""): Promise<number> {
  const keys = new KeyRing();
  try {
    await loadKeyFiles(keys, file, flags);
    const progress = await Progress.of(source.size);
    const report = flags.json
      ? new JsonRoomReport()
      : await table({ name: source.name, all: flags.all === true, state: flags.state === true, progress });
    const received = await receive(source, keys, flags, report, progress);
    try {
      await report.summary(received);
    } finally {
      received.room.free();
    }
    const { events, repeated, outcomes } = received.summary;
    return outcomes.accepted + repeated === events ? OK : NOT_ACCEPTED;
  } finally {
    keys.dispose();
  }
}

/** Loaded when it is needed: tables cost a third of the command's start. */
async function table(options: RoomTableOptions): Promise<RoomReport> {
  const { RoomTable } = await import("./room-table.js");
  return new RoomTable(options);
}
