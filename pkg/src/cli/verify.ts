/** `fedproof verify` */
import { Command } from "commander";
import { KeyRing } from "../index.js";
import { add, milliseconds, roomVersionOption } from "./arguments.js";
import { judge, type Judged, type Settings } from "./judge.js";
import { LATE, loadKeys, warnOfKeys } from "./key-files.js";
import { JsonReport, type Report } from "./report.js";
import { type Finish, NOT_ACCEPTED, OK } from "./program.js";
import { Progress } from "./progress.js";
import { openSource } from "./source.js";
import type { TableOptions } from "./table-report.js";
import { UsageError } from "./usage.js";

const HELP = `
The input is a room file ({"room_version", "server_keys", "pdus"}), NDJSON with an event a line, an
array of events, a transaction or one event, as they travel over federation. Events as clients see
them ("view source") have no hashes and signatures, so nothing in them can be verified.

Three checks are made of each event: 1 format, 2 signatures, 3 hash. Without the key of a server
its signatures are "incomplete", never passed; --keys takes answers of /_matrix/key/v2/server:

  $ curl -s https://example.org/_matrix/key/v2/server > keys.json
  $ fedproof verify events.ndjson --room-version 11 --keys keys.json
  $ fedproof verify room.json --json | jq 'select(.outcome != "accepted")'

Input is streamed: its size does not matter. Exit codes: 0 all accepted, 1 some event is not
accepted, 2 bad usage or unreadable input.

Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu`;

/** What `fedproof verify` is told beside the file. */
export interface VerifyFlags {
  roomVersion?: string;
  keys?: string[];
  fetched?: number;
  backfill?: boolean;
  evidence?: boolean;
  all?: boolean;
  json?: boolean;
}

export function verifyCommand(finish: Finish): Command {
  return new Command("verify")
    .summary("judge events: format, signatures, hash")
    .description("Judges each event of a file and says why when one does not hold.")
    .argument("<file>", 'a room file, NDJSON, an array of events or one event; "-" for standard input')
    .addOption(roomVersionOption("the version of the room, where the input does not say it"))
    .option("-k, --keys <file>", "keys of servers: one answer, an array, a notary's answer, a room file; repeatable", add)
    .option("--fetched <ms>", "when the keys were fetched, in milliseconds since 1970 (default: later than all events)", milliseconds)
    .option("--backfill", "the events come from a backfill")
    .option("--evidence", "show what was compared in the checks that passed, too (--json)")
    .option("--all", "list every event of a long input, not only those that are not accepted")
    .option("--json", "print a verdict a line, in the order of the input")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: VerifyFlags) => finish(await verifyFile(file, flags)));
}

/** Verifies one file and reports it; answers the exit code. */
export async function verifyFile(file: string, flags: VerifyFlags): Promise<number> {
  const keys = new KeyRing();
  const settings: Settings = {
    keys,
    roomVersion: flags.roomVersion,
    fetchedTs: flags.fetched ?? LATE,
    options: { backfill: flags.backfill === true, evidence: flags.evidence === true },
    warn: (taken) => warnOfKeys(file, taken),
  };
  if (flags.keys?.includes("-") && file === "-") {
    throw new UsageError("the events and the keys cannot both come from standard input");
  }
  for (const path of flags.keys ?? []) await loadKeys(keys, path, settings.fetchedTs);
  const source = await openSource(file);
  const progress = await Progress.of(source.size);
  const report = flags.json
    ? new JsonReport()
    : await tableReport({ name: source.name, all: flags.all === true, progress });
  let judged: Judged;
  try {
    judged = await judge(source, settings, report, progress);
  } finally {
    progress.end();
    await source.close();
    keys.dispose();
  }
  await report.end();
  return judged.accepted === judged.events ? OK : NOT_ACCEPTED;
}

/** Loaded when it is needed: tables cost a third of the command's start. */
async function tableReport(options: TableOptions): Promise<Report> {
  const { TableReport } = await import("./table-report.js");
  return new TableReport(options);
}
