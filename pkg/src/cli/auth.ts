/** `fedproof auth` */
import { Command } from "commander";
import { checkAuth, KeyRing, receiveEvent, type Verdict } from "../index.js";
import { add, roomVersionOption } from "./arguments.js";
import { type AuthFlags, type Question, readQuestion } from "./auth-input.js";
import { print } from "./output.js";
import { type Finish, NOT_ACCEPTED, OK } from "./program.js";
import { jsonLine, painter, widthOf } from "./style.js";
import { UsageError } from "./usage.js";

const HELP = `
The event is judged against the room around it. Either one document holds everything:

  {"room_version": "11", "event": {…}, "auth_events": […], "state": […]}

(also "create_event", "current_state", "rejected" and "server_keys"), or the event has a file of its
own and the options name the others. These may be arrays of events, NDJSON, room files, and answers
of servers; events in them are judged byte for byte as they stand there.

  $ fedproof auth samples/auth-ban.json
  $ fedproof auth event.json --state state.json --room-version 11
  $ fedproof auth event.json --auth-events event_auth.json --state state.json --trace --json

Two checks are made, each by itself: 4, by the events that the event cites in "auth_events", and 5,
by the state of the room before it. Servers give these to other servers of the room:

  /_matrix/federation/v1/event_auth/{room}/{event}       for --auth-events
  /_matrix/federation/v1/state/{room}?event_id={event}   for --state

With the current state, all seven checks on receipt are made; that takes the servers' keys, too.
Events of room version 12 do not cite the create event: without a state, --create has to give it.

Exit codes: 0 accepted, 1 not accepted, 2 bad usage or unreadable input.

Spec: https://spec.matrix.org/v1.19/server-server-api/#authorization-rules`;

export function authCommand(finish: Finish): Command {
  return new Command("auth")
    .summary("judge whether an event is allowed, and by which rule")
    .description("Says whether an event is allowed in its room, which authorization rule decides, and why.")
    .argument("<event>", 'an event, or a document with an event and its room; "-" for standard input')
    .option("--state <file>", "the state of the room before the event (check 5)")
    .option("--auth-events <file>", "the events that the event cites, among others perhaps (check 4)")
    .option("--current-state <file>", "the current state of the room: makes all seven checks")
    .option("--create <file>", "the room's create event, where no list has it (room version 12)")
    .option("--rejected <id>", "the id of an event that was rejected, in single quotes; repeatable", add)
    .addOption(roomVersionOption("the version of the room, where no document and no create event says it"))
    .option("-k, --keys <file>", "keys of servers, as for verify; repeatable", add)
    .option("--trace", "tell every rule that was considered (--json; else it is told anyway)")
    .option("--json", "print the verdict as one line")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: AuthFlags) => finish(await authFile(file, flags)));
}

/** Judges one event and reports it; answers the exit code. */
async function authFile(file: string, flags: AuthFlags): Promise<number> {
  const keys = new KeyRing();
  try {
    const question = await readQuestion(file, flags, keys);
    const verdict = judge(question, keys, flags.trace === true || flags.json !== true);
    refuseEmptyQuestion(verdict);
    await print(flags.json ? jsonLine(verdict) : await report(verdict, question));
    return verdict.outcome === "accepted" ? OK : NOT_ACCEPTED;
  } finally {
    keys.dispose();
  }
}

function judge({ event, room, hasKeys }: Question, keys: KeyRing, trace: boolean): Verdict {
  if (room.currentState !== undefined) return receiveEvent(event, { ...room, keys, trace });
  return checkAuth(event, { ...room, ...(hasKeys && { keys }), trace });
}

/** Nothing was asked of the rules, so their silence must not pass for a yes. */
function refuseEmptyQuestion({ outcome, checks }: Verdict): void {
  const asked = checks.some(({ check, result }) => check >= 4 && result !== "skip");
  if (asked || outcome !== "accepted") return;
  throw new UsageError("there is nothing to judge the event by", {
    hint: "Add --state, the state before the event, or --auth-events, the events that it cites, or both.",
  });
}

/** Loaded when it is needed: wrapping text costs a part of the command's start. */
async function report(verdict: Verdict, question: Question): Promise<string> {
  const { authReport } = await import("./auth-report.js");
  return authReport(verdict, question, widthOf(process.stdout), painter(process.stdout));
}
