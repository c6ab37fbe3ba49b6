/** `fedproof resolve-state` */
import { Command } from "commander";
import { KeyRing, type ResolvedState } from "../index.js";
import { add, milliseconds, roomVersionOption } from "./arguments.js";
import { print } from "./output.js";
import { type Finish, OK } from "./program.js";
import { loadKeyFiles } from "./receive-file.js";
import { type Resolution, type ResolveFlags, resolveFile } from "./resolve-input.js";
import { jsonLine, painter, widthOf } from "./style.js";

const HELP = `
The states are those of a document, which has all events that they name and that those rest on:

  {"room_version": "11", "state_sets": [[["m.room.name", "", "$id"], …], …], "events": [{…}, …]}

(also "rejected", ids of events that were rejected), or those of a room file as "room" takes it: its
events are received, and the states after its forward extremities are resolved, or with --at those that
one event follows on.

  $ fedproof resolve-state samples/state-reset.json --trace
  $ fedproof resolve-state room.json --at '$PivKiyEq7Lrg3ciVoYaAwRMSf_…' --trace
  $ fedproof resolve-state states.json --json | jq .state

With --trace the resolution is told step by step: where the states differ, what takes part, in which
order events are put and by which tie-break, what the authorization rules say to each, and in the end for
every place which event won, and why. With --json it is one line, {"state": [[type, state_key, event_id],
…], "trace": {…}}.

Exit codes: 0 resolved, 2 bad usage or unreadable input, such as events that are missing.

Spec: https://spec.matrix.org/v1.19/rooms/v12/#state-resolution`;

export function resolveStateCommand(finish: Finish): Command {
  return new Command("resolve-state")
    .summary("resolve states that differ, and tell why an event won")
    .description("Makes one state of several that differ, by the algorithm of the room version, and says why.")
    .argument("<file>", 'a document of states, or a room file; "-" for standard input')
    .option("--at <id>", "of a room file: what this event follows on, in single quotes (default: the newest events)")
    .option("--trace", "tell the resolution step by step")
    .addOption(roomVersionOption("the version of the room, where the input does not say it"))
    .option("-k, --keys <file>", "of a room file: keys of servers, as for verify; repeatable", add)
    .option("--fetched <ms>", "when the keys were fetched, in milliseconds since 1970 (default: later than all events)", milliseconds)
    .option("--json", "print one line: state, and with --trace trace")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: ResolveFlags) => {
      const keys = new KeyRing();
      let resolution: Resolution | undefined;
      try {
        await loadKeyFiles(keys, file, flags);
        // People are told the outcome of each conflict anyway.
        resolution = await resolveFile(file, flags, flags.trace === true || flags.json !== true, keys);
        if (flags.json) await print(jsonLine(answerOf(resolution)));
        else await report(resolution, flags.trace === true);
      } finally {
        resolution?.room?.receiver.free();
        keys.dispose();
      }
      finish(OK);
    });
}

function answerOf({ state, trace }: Resolution): ResolvedState {
  return trace === undefined ? { state } : { state, trace };
}

/** Loaded when it is needed: tables cost a third of the command's start. */
async function report(resolution: Resolution, steps: boolean): Promise<void> {
  const { trace } = resolution;
  if (trace === undefined) return;
  const { resolutionReport } = await import("./resolve-report.js");
  const parts = resolutionReport({ ...resolution, trace }, steps, widthOf(process.stdout), painter(process.stdout));
  for (const part of parts) await print(part);
}
