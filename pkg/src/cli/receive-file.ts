/** Receives a room from a file: its events through all checks, in the order of the file. */
import type { KeyRing, Outcome, StateEntry, Verdict } from "../index.js";
import type { Description } from "../reader.js";
import type { RoomReceiver } from "../receiver.js";
import { arrivalsIn } from "./arrivals.js";
import { judge, type Settings } from "./judge.js";
import { LATE, loadKeys, warn, warnOfKeys } from "./key-files.js";
import type { Progress } from "./progress.js";
import type { Report } from "./report.js";
import { RoomBench } from "./room-bench.js";
import type { Received } from "./room-report.js";
import { isNdjson, type Source } from "./source.js";
import { UsageError } from "./usage.js";

/** More verdicts than this do not fit into one answer of the module. */
const MOST_WAITING = 200_000;

/** How a room is received. */
export interface ReceiveFlags {
  roomVersion?: string;
  keys?: string[];
  fetched?: number;
  backfill?: boolean;
  evidence?: boolean;
  trace?: boolean;
}

/** Fills a ring with the keys of the files that the command line names. */
export async function loadKeyFiles(keys: KeyRing, file: string, flags: ReceiveFlags): Promise<void> {
  if (flags.keys?.includes("-") && file === "-") {
    throw new UsageError("the events and the keys cannot both come from standard input");
  }
  for (const path of flags.keys ?? []) await loadKeys(keys, path, flags.fetched ?? LATE);
}

/**
 * Receives all events of a source, and closes it. Whoever calls gives the room back.
 *
 * @throws UsageError `room_version_missing`; FedproofError `input_*`.
 */
export async function receive(
  source: Source,
  keys: KeyRing,
  flags: ReceiveFlags,
  report: Report,
  progress: Progress,
): Promise<Received> {
  const { backfill = false, evidence = false, trace = false } = flags;
  const benches: RoomBench[] = [];
  const arrivals = await arrivalsIn(source);
  const settings: Settings = {
    keys,
    roomVersion: flags.roomVersion,
    fetchedTs: flags.fetched ?? LATE,
    options: { backfill, evidence },
    bench: (reader) => {
      const bench = new RoomBench(reader, { backfill, evidence, trace }, isNdjson(source.name), arrivals);
      benches.push(bench);
      return bench;
    },
    warn: (taken) => warnOfKeys(source.name, taken),
  };
  const counted = new Counted(report);
  try {
    await judge(source, settings, counted, progress);
  } catch (thrown) {
    for (const { room } of benches) room?.free();
    throw thrown;
  } finally {
    progress.end();
    await source.close();
  }
  // The source may have been read twice; the last reading is the one that counts.
  const { room, events } = benches.at(-1) as RoomBench;
  return summed(room as RoomReceiver, events, counted);
}

function summed(room: RoomReceiver, events: number, { description, outcomes, judged }: Counted): Received {
  const waits = room.countWaiting();
  if (waits > MOST_WAITING) warn(`${waits.toLocaleString("en")} events wait: too many to tell what each waits for`);
  const waiting = waits > MOST_WAITING ? [] : room.waiting();
  const missing = room.missing().sort(([one, first], [other, second]) => second - first || (one < other ? -1 : 1));
  const state = room.currentState();
  for (const { event_id } of waiting) if (event_id !== undefined) room.outliers.delete(event_id);
  const outliers = room.outliers.size;
  const summary = {
    room_id: roomIdOf(room, state) ?? description?.room_id ?? null,
    room_version: description?.room_version ?? "",
    events,
    outcomes: { ...outcomes, accepted: outcomes.accepted + outliers, incomplete: outcomes.incomplete + waits },
    repeated: events - judged - waits - outliers,
    ...(outliers > 0 && { outliers }),
    waiting: waits,
    missing: missing.map(([id]) => id),
    forward_extremities: room.extremities(),
    state,
  };
  return { summary, waiting, missing, room };
}

/** The room as its create event says it; from room version 12 on, its id is the room's. */
function roomIdOf(room: RoomReceiver, state: readonly StateEntry[]): string | undefined {
  const [, , createId] = state.find(([type, stateKey]) => type === "m.room.create" && stateKey === "") ?? [];
  const roomId = createId === undefined ? undefined : (room.event(createId)?.pdu["room_id"] ?? createId.replace("$", "!"));
  return typeof roomId === "string" ? roomId : undefined;
}

/** Counts on the way to a report. */
class Counted implements Report {
  description: Description | undefined;
  judged = 0;
  readonly outcomes: Record<Outcome, number> = { accepted: 0, soft_failed: 0, rejected: 0, dropped: 0, incomplete: 0 };

  constructor(readonly report: Report) {}

  async begin(source: Description): Promise<void> {
    this.description = source;
    await this.report.begin(source);
  }

  async verdicts(verdicts: readonly Verdict[]): Promise<void> {
    this.judged += verdicts.length;
    for (const { outcome } of verdicts) this.outcomes[outcome] += 1;
    await this.report.verdicts(verdicts);
  }

  async end(): Promise<void> {
    await this.report.end();
  }
}
