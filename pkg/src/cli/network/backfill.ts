/** `fedproof backfill` */
import { Command } from "commander";
import type { FetchedEvents, Verdict } from "../../index.js";
import { add, roomVersionOption } from "../arguments.js";
import { type Finish, NOT_ACCEPTED, OK } from "../program.js";
import { Progress } from "../progress.js";
import { JsonReport, type Report } from "../report.js";
import { Activity } from "./activity.js";
import { type Conversation, converse, requireIdentity } from "./conversation.js";
import { count, type IdentityFlags, type NetworkFlags, withIdentity, withNetwork } from "./options.js";
import { findRoom } from "./room-name.js";
import { eventsFile, KeyDocuments, SavedFile } from "./saved-room.js";

const HELP = `
Asks a server for events at and before others, fetches the keys of those who signed, and judges each event by
checks 1 to 3. The server answers only if our server is in the room.

  $ fedproof backfill '!abc:example.org' --via example.org --room-version 11 --from '$…' --limit 50 \\
      --key signing.key --server-name example.net --save history.json

With --json there is a verdict a line.

Exit codes: 0 all accepted, 1 some event is not accepted, or the server does not help, 2 bad usage.

Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid`;

interface Flags extends NetworkFlags, IdentityFlags {
  via?: string;
  from: string[];
  limit: number;
  roomVersion: string;
  save?: string;
}

export function backfillCommand(finish: Finish): Command {
  const command = new Command("backfill")
    .summary("fetch the history of a room before an event")
    .description("Fetches events before others from a server in the room, and judges them (checks 1 to 3).")
    .argument("<room>", "the ID or alias of a room, in quotes")
    .option("--via <name>", "a server in the room")
    .addOption(roomVersionOption("the version of the room").makeOptionMandatory())
    .requiredOption("--from <event>", "the ID of an event to go back from; repeatable", add)
    .option("-n, --limit <count>", "how many events at most", count, 100)
    .option("--save <file>", "write the events and keys to a new room file")
    .option("--json", "print a verdict a line");
  return withNetwork(withIdentity(command, "to sign the request with"))
    .addHelpText("after", HELP)
    .action(async (room: string, flags: Flags) => {
      requireIdentity(flags, "the request is signed by a server that is in the room");
      const file = await SavedFile.create(flags.save);
      try {
        finish(await converse(flags, (conversation) => backfill(room, flags, file, conversation)));
      } finally {
        await file?.close();
      }
    });
}

async function backfill(room: string, flags: Flags, file: SavedFile | undefined, { federation, signal }: Conversation): Promise<number> {
  const { roomVersion, from, limit, json } = flags;
  const { roomId, via } = await findRoom(room, flags.via === undefined ? [] : [flags.via], federation, signal);
  const [server = ""] = via;
  const activity = await Activity.begin(`asking ${server} for the history of ${room}`, json);
  let fetched: FetchedEvents;
  try {
    fetched = await federation.backfill(server, { roomId, roomVersion, from, limit, signal, onProgress: activity.follow });
  } finally {
    activity.end();
  }
  if (file) {
    const keys = new KeyDocuments();
    keys.take(fetched.keys);
    await file.write(eventsFile(roomId, roomVersion, keys, fetched.events.map(({ pdu }) => pdu)));
  }
  const verdicts = [...fetched.events, ...fetched.dropped].map(({ verdict }) => verdict);
  await tell(verdicts, `${roomId} by ${server}`, flags);
  return verdicts.length > 0 && verdicts.every(({ outcome }) => outcome === "accepted") ? OK : NOT_ACCEPTED;
}

async function tell(verdicts: readonly Verdict[], name: string, { json, roomVersion }: Flags): Promise<void> {
  const report: Report = json ? new JsonReport() : await table(name);
  const events = verdicts.length;
  await report.begin({ shape: "array", room_id: null, room_version: roomVersion, create_room_version: null, events, server_keys: 0 });
  await report.verdicts(verdicts);
  await report.end();
}

async function table(name: string): Promise<Report> {
  const { TableReport } = await import("../table-report.js");
  return new TableReport({ name, all: true, progress: await Progress.of() });
}
