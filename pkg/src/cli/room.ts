/** `fedproof room` */
import { Command } from "commander";
import { KeyRing } from "../index.js";
import { add, milliseconds, roomVersionOption } from "./arguments.js";
import { type Finish, NOT_ACCEPTED, OK } from "./program.js";
import { Progress } from "./progress.js";
import { loadKeyFiles, type ReceiveFlags, receive } from "./receive-file.js";
import { JsonRoomReport, type RoomReport } from "./room-report.js";
import type { RoomTableOptions } from "./room-table.js";
import { openSource } from "./source.js";

const HELP = `
The input is what "verify" takes: a room file ({"room_version", "server_keys", "pdus"}), NDJSON with an
event a line, an array of events or a transaction. From these events alone the room is built up: each
waits for those that it names in prev_events and auth_events, and is then judged by all seven checks,
with the state before it and the state at that time.

  $ fedproof room room.json --state
  $ fedproof room events.ndjson --keys keys.json --json | tail -1 | jq .summary

With --json there is a verdict a line, in the order in which events were decided, then those that go on
waiting (incomplete), then one line {"summary": {…}}: room_id, room_version, events, outcomes, repeated,
waiting, missing, forward_extremities, state (an array of [type, state_key, event_id]);
of a room that was joined also outliers, the events of the state at that time.

Events are received in the order of the input. That matters for check 6 alone, which asks the state at
the time of arrival: events may be soft failed in one order and accepted in another.

Exit codes: 0 all accepted, 1 some event is not accepted, 2 bad usage or unreadable input.

Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu`;

/** What `fedproof room` is told beside the file. */
interface RoomFlags extends ReceiveFlags {
  state?: boolean;
  all?: boolean;
  json?: boolean;
}

export function roomCommand(finish: Finish): Command {
  return new Command("room")
    .summary("receive a whole room: all checks, and the state it comes to")
    .description("Receives the events of a room one after the other, through all checks, and tells its state.")
    .argument("<file>", 'a room file, NDJSON, an array of events or a transaction; "-" for standard input')
    .option("--state", "list the state that the room comes to")
    .addOption(roomVersionOption("the version of the room, where the input does not say it"))
    .option("-k, --keys <file>", "keys of servers, as for verify; repeatable", add)
    .option("--fetched <ms>", "when the keys were fetched, in milliseconds since 1970 (default: later than all events)", milliseconds)
    .option("--backfill", "the events come from a backfill")
    .option("--trace", "tell every authorization rule that was considered")
    .option("--evidence", "show what was compared in the checks that passed, too (--json)")
    .option("--all", "list every event of a long input, not only those that are not accepted")
    .option("--json", "print a verdict a line, then a line with the summary")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: RoomFlags) => finish(await roomFile(file, flags)));
}

/** Receives one file and reports it; answers the exit code. */
async function roomFile(file: string, flags: RoomFlags): Promise<number> {
  const keys = new KeyRing();
  try {
    await loadKeyFiles(keys, file, flags);
    const source = await openSource(file);
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
