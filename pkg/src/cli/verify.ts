/** `fedproof verify` */
import { Command, InvalidArgumentError, Option } from "commander";
import { KeyRing, roomVersions } from "../index.js";
import { judge, type Judged, type Settings } from "./judge.js";
import { JsonReport, type Report } from "./report.js";
import { type Finish, NOT_ACCEPTED, OK } from "./program.js";
import { Progress } from "./progress.js";
import { openSource, readWhole } from "./source.js";
import { painter, printable } from "./style.js";
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

/**
 * Files do not say when their keys were fetched. Any fixed time, now included, would make the
 * verdict on a stored room depend on the clock; "later than all events" does not.
 */
const LATE = Number.MAX_SAFE_INTEGER;

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
    .addOption(
      new Option("-r, --room-version <version>", "the version of the room, where the input does not say it").argParser(
        knownVersion,
      ),
    )
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

async function loadKeys(keys: KeyRing, path: string, fetchedTs: number): Promise<void> {
  const taken = keys.addAllServerKeys(await readWhole(path), { fetchedTs });
  warnOfKeys(path, taken);
  if (taken.added.length === 0) warn(`${path}: there is no key response in it that could be used`);
}

function warnOfKeys(path: string, { added, refused }: ReturnType<KeyRing["addAllServerKeys"]>): void {
  for (const { message, code } of refused) warn(`${path}: ${message} (${code})`);
  for (const { server_name, refused: keys } of added) {
    for (const { key_id, reason, code } of keys) {
      warn(`${path}: the key ${key_id} of ${server_name} is not used: ${reason} (${code})`);
    }
  }
}

function warn(message: string): void {
  process.stderr.write(`${painter(process.stderr)("yellow", "warning:")} ${printable(message)}\n`);
}

function add(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It must be a whole number of milliseconds since 1970.");
}

function knownVersion(text: string): string {
  const known = roomVersions().map(({ version }) => version);
  if (known.includes(text)) return text;
  throw new InvalidArgumentError(`Known room versions are ${known.join(", ")}.`);
}
