/** `fedproof redact` */
import { Command } from "commander";
import { redact } from "../index.js";
import { forEachDocument } from "./each.js";
import type { Finish } from "./program.js";

const HELP = `
The redacted form is what signatures and the event id cover, so it verifies like the whole event.

  $ fedproof redact event.json --room-version 11

Spec: https://spec.matrix.org/v1.19/rooms/v11/#redactions`;

export function redactCommand(finish: Finish): Command {
  return new Command("redact")
    .summary("print the redacted form of an event")
    .description("Prints what redaction leaves of an event, as canonical JSON.")
    .argument("<file>", 'an event, or NDJSON with one a line; "-" for standard input')
    .requiredOption("-r, --room-version <version>", "the version of the event's room")
    .option("--json", "print a JSON object a line: redacted (the canonical text)")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: { roomVersion: string; json?: boolean }) => {
      finish(
        await forEachDocument(file, flags.json === true, (event) => {
          const redacted = redact(event, flags.roomVersion);
          return { text: `${redacted}\n`, json: { redacted } };
        }),
      );
    });
}
