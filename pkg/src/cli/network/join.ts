/** `fedproof join` */
import { Command } from "commander";
import type { JoinedRoom, SigningKey } from "../../index.js";
import { add } from "../arguments.js";
import { print } from "../output.js";
import { type Finish, NOT_ACCEPTED, OK } from "../program.js";
import { jsonLine, painter, widthOf } from "../style.js";
import { UsageError } from "../usage.js";
import { Activity } from "./activity.js";
import { type Conversation, converse } from "./conversation.js";
import { joinText } from "./join-report.js";
import { type IdentityFlags, type NetworkFlags, withIdentity, withNetwork } from "./options.js";
import { findRoom } from "./room-name.js";
import { KeyDocuments, roomFile, SavedFile } from "./saved-room.js";

const HELP = `
Joins as a server does: make_join, an event of our own, send_join. What comes back is believed in nothing:
every event of the state is judged, what is bad falls out and is told, and the join counts only if the state
that is left allows it.

  $ fedproof join '#matrix:matrix.org' --user @me:example.org --key signing.key --save room.json
  $ fedproof join '!abc:example.net' --via example.net --via example.com --user @me:example.org \\
      --key signing.key
  $ fedproof room room.json --state

The join is real: the servers of the room will send events to --server-name until the user leaves.

With --json there is a verdict a line (what fell out, then the join), then one line {"summary": {…}}.

Exit codes: 0 joined, 1 not joined, 2 bad usage.

Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms`;

interface Flags extends NetworkFlags, IdentityFlags {
  via?: string[];
  user: string;
  key: string;
  save?: string;
}

export function joinCommand(finish: Finish): Command {
  const command = new Command("join")
    .summary("join a room by way of another server, and verify it")
    .description("Joins a room by way of servers in it, and verifies the state that they give.")
    .argument("<room>", "the ID or alias of a room, in quotes")
    .option("--via <name>", "a server in the room; repeatable, tried in this order (an alias brings its own)", add)
    .requiredOption("-u, --user <id>", "who joins: a user of our server, @me:example.org")
    .option("--save <file>", "write the room to a new file, for fedproof room")
    .option("--json", "print a verdict a line, then a line with the summary");
  return withNetwork(withIdentity(command, "to sign the join with"))
    .addHelpText("after", HELP)
    .action(async (room: string, flags: Flags) => {
      const serverName = flags.serverName ?? serverOf(flags.user);
      if (flags.key === undefined) throw new UsageError("--key is needed: a join is signed by the server of the user");
      const file = await SavedFile.create(flags.save);
      try {
        finish(await converse({ ...flags, serverName }, (conversation) => join(room, flags, file, conversation)));
      } finally {
        await file?.close();
      }
    });
}

async function join(room: string, flags: Flags, file: SavedFile | undefined, conversation: Conversation): Promise<number> {
  const { federation, signal } = conversation;
  const { roomId, via } = await findRoom(room, flags.via ?? [], federation, signal);
  const activity = await Activity.begin(`joining ${room}`, flags.json);
  let joined: JoinedRoom;
  try {
    joined = await federation.join({ roomId, userId: flags.user, via, signal, onProgress: activity.follow });
  } finally {
    activity.end();
  }
  const { report, room: made } = joined;
  const isIn = report.verdict.outcome === "accepted";
  if (file && isIn) await save(roomId, joined, file, conversation.signingKey, federation.serverName);
  if (flags.json) {
    await print([...report.fallen, report.verdict].map(jsonLine).join(""));
    await print(jsonLine({ summary: summaryOf(roomId, joined) }));
  } else {
    const shown = { roomId, joined, saved: isIn ? flags.save : undefined };
    await print(joinText(shown, Math.min(widthOf(process.stdout), 110), painter(process.stdout)));
  }
  made.dispose();
  return isIn ? OK : NOT_ACCEPTED;
}

async function save(
  roomId: string,
  { room, keys }: JoinedRoom,
  file: SavedFile,
  signingKey: SigningKey | undefined,
  serverName: string,
): Promise<void> {
  const documents = new KeyDocuments();
  documents.take(keys);
  if (signingKey) documents.takeOwn(serverName, signingKey);
  await file.write(roomFile(roomId, documents, room.save()));
}

function summaryOf(roomId: string, { server, room_version, event_id, event, failures, keys, report }: JoinedRoom): object {
  const { state, missing, partial, serversInRoom } = report;
  return {
    room_id: roomId,
    room_version,
    joined: report.verdict.outcome === "accepted",
    server,
    event_id,
    event,
    state: state.taken,
    fallen: state.fallen,
    missing,
    partial,
    servers_in_room: serversInRoom ?? null,
    failures,
    key_failures: keys.failed,
  };
}

function serverOf(user: string): string {
  const at = user.indexOf(":");
  if (!user.startsWith("@") || at < 0) throw new UsageError(`${user} is no user ID, such as @me:example.org`);
  return user.slice(at + 1);
}
