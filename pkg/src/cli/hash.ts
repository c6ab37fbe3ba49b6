/** `fedproof hash` */
import { Command } from "commander";
import { contentHash, eventId, referenceHash } from "../index.js";
import { forEachDocument } from "./each.js";
import type { Finish } from "./program.js";

const HELP = `
The content hash covers the whole event but for its signatures and unsigned data; an honest event
carries it in hashes.sha256. The reference hash covers what redaction leaves, and makes the event
id; what that is depends on the room version.

  $ fedproof hash event.json
  $ fedproof hash event.json --room-version 11

Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event`;

export function hashCommand(finish: Finish): Command {
  return new Command("hash")
    .summary("print the hashes of an event")
    .description(
      "Prints the content hash of an event, and with a room version the reference hash and the event id too.",
    )
    .argument("<file>", 'an event, or NDJSON with one a line; "-" for standard input')
    .option("-r, --room-version <version>", "the version of the event's room")
    .option("--json", "print a JSON object a line: content_hash, reference_hash, event_id")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: { roomVersion?: string; json?: boolean }) => {
      const version = flags.roomVersion;
      finish(
        await forEachDocument(file, flags.json === true, (event) => {
          const content_hash = contentHash(event);
          if (version === undefined) return { text: `${content_hash}\n`, json: { content_hash } };
          const reference_hash = referenceHash(event, version);
          const event_id = eventId(event, version);
          return {
            text: `content hash    ${content_hash}\nreference hash  ${reference_hash}\nevent id        ${event_id}\n`,
            json: { content_hash, reference_hash, event_id },
          };
        }),
      );
    });
}
