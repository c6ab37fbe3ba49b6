/** `fedproof event-id` */
import { Command } from "commander";
import { eventId } from "../index.js";
import { forEachDocument } from "./each.js";
import type { Finish } from "./program.js";
import { printable } from "./style.js";

const HELP = `
  $ fedproof event-id event.json --room-version 11
  $PivKiyEq7Lrg3ciVoYaAwRMSf_yhRUavz3u8QZxk2fs

Spec: https://spec.matrix.org/v1.19/rooms/v11/#event-ids`;

export function eventIdCommand(finish: Finish): Command {
  return new Command("event-id")
    .summary("print the id of an event")
    .description("Prints the id of an event: from room version 3 on, its reference hash.")
    .argument("<file>", 'an event, or NDJSON with one a line; "-" for standard input')
    .requiredOption("-r, --room-version <version>", "the version of the event's room")
    .option("--json", "print a JSON object a line: event_id")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: { roomVersion: string; json?: boolean }) => {
      finish(
        await forEachDocument(file, flags.json === true, (event) => {
          const event_id = eventId(event, flags.roomVersion);
          return { text: `${printable(event_id)}\n`, json: { event_id } };
        }),
      );
    });
}
