/**
 * Judges the events of a source as they stream in.
 *
 * What they are judged with, the room version and the keys, may come after them: JSON objects have
 * no order. Where it is not known when the first event is seen, the source is read to its end for
 * it, and then a second time for the events.
 */
import type { KeyRing, Verdict } from "../index.js";
import { type Description, EventReader } from "../reader.js";
import type { VerifySwitches } from "../session.js";
import type { Progress } from "./progress.js";
import type { Report } from "./report.js";
import type { Source } from "./source.js";
import { UsageError } from "./usage.js";

/** What events are judged with. */
export interface Settings {
  /** Filled further with the keys of the source. */
  keys: KeyRing;
  /** Told by the caller; else the source must tell it. */
  roomVersion: string | undefined;
  /** When the keys of the source were fetched (ms). */
  fetchedTs: number;
  /** For the module. */
  options: VerifySwitches;
  /** Makes who judges, anew for each reading of the source. Without it, checks 1 to 3 are made of each event. */
  bench?: (reader: EventReader) => Bench;
  /** Is told which keys of the source were taken and which were not. */
  warn: (taken: ReturnType<KeyRing["addAllServerKeys"]>) => void;
}

/** Who judges the events of a source. */
export interface Bench {
  /** The next bytes of the source, which the reader has, too. */
  push(chunk: Uint8Array): void;
  /** No more bytes. */
  end(): void;
  /** Judges what has been gathered, as far as it can be judged by now. */
  judge(keys: KeyRing, roomVersion: string): AsyncIterable<Verdict[]>;
  /** Forgets what has been gathered. */
  discard(): void;
}

/** How many events were judged. */
export interface Judged {
  events: number;
  accepted: number;
}

/** @throws UsageError when the room version cannot be known; FedproofError `input_*`. */
export async function judge(
  source: Source,
  settings: Settings,
  report: Report,
  progress: Progress,
): Promise<Judged> {
  const first = new Pass(source, settings, report, progress);
  const found = await first.run();
  if (found === undefined) return first.judged;
  const second = new Pass(source, settings, report, progress, found);
  await second.run();
  return second.judged;
}

/** One reading of the source. */
class Pass {
  readonly judged: Judged = { events: 0, accepted: 0 };
  readonly #reader: EventReader;
  readonly #bench: Bench;
  #mode: "undecided" | "scan" | "judge" = "undecided";
  #version = "";

  constructor(
    readonly source: Source,
    readonly settings: Settings,
    readonly report: Report,
    readonly progress: Progress,
    /** What an earlier reading found. */
    readonly known?: Description,
  ) {
    this.#reader = new EventReader(/\.(ndjson|jsonl)$/i.test(source.name) ? "lines" : "auto");
    const { bench = (reader: EventReader) => new ReaderBench(reader, settings.options) } = settings;
    this.#bench = bench(this.#reader);
  }

  /** When the source must be read again for its events: what was found of it. */
  async run(): Promise<Description | undefined> {
    this.progress.begin();
    try {
      for await (const chunk of this.source.chunks()) {
        this.#reader.push(chunk);
        this.#bench.push(chunk);
        await this.#step(false);
        this.progress.advance(chunk.length);
      }
      this.#reader.end();
      this.#bench.end();
      await this.#step(true);
      return this.#mode === "scan" ? this.#reader.describe() : undefined;
    } finally {
      this.#reader.free();
    }
  }

  async #step(ended: boolean): Promise<void> {
    if (this.#mode === "undecided") await this.#decide(ended);
    if (this.#mode === "scan") {
      this.#bench.discard();
      if (ended) this.#takeKeys();
    }
    if (this.#mode === "judge") await this.#judge();
  }

  async #decide(ended: boolean): Promise<void> {
    const seen = this.#reader.describe();
    if (!ended && !this.known && seen.events === 0) return;
    const found = this.known ?? seen;
    const version = versionOf(found, this.settings, ended || this.known !== undefined);
    if (this.known === undefined) this.#takeKeys();
    const keysToCome = found.shape === "room" && found.server_keys === 0;
    if (this.known || ended || (version !== undefined && !keysToCome)) {
      this.#version = version ?? unknownVersion(this.source.name);
      this.#mode = "judge";
      this.progress.judging();
      await this.report.begin({ ...found, room_version: this.#version });
    } else {
      this.#mode = "scan";
    }
    if (!this.known) await this.source.willReadAgain(this.#mode === "scan");
  }

  async #judge(): Promise<void> {
    for await (const verdicts of this.#bench.judge(this.settings.keys, this.#version)) {
      if (verdicts.length === 0) continue;
      this.judged.events += verdicts.length;
      for (const { outcome } of verdicts) if (outcome === "accepted") this.judged.accepted += 1;
      this.progress.count(this.judged);
      await this.report.verdicts(verdicts);
    }
  }

  #takeKeys(): void {
    const { keys, fetchedTs } = this.settings;
    this.settings.warn(keys.addAllServerKeys(this.#reader.takeServerKeys(), { fetchedTs }));
  }
}

/** Checks 1 to 3, made where the events are read. */
class ReaderBench implements Bench {
  constructor(
    readonly reader: EventReader,
    readonly options: VerifySwitches,
  ) {}

  push(): void {}

  end(): void {}

  async *judge(keys: KeyRing, roomVersion: string): AsyncIterable<Verdict[]> {
    yield this.reader.verify(keys, roomVersion, this.options);
  }

  discard(): void {
    this.reader.discard();
  }
}

/** The version that decides; of a room file's create event only when no header can follow. */
function versionOf(found: Description, settings: Settings, whole: boolean): string | undefined {
  const fromCreate = whole || found.shape !== "room" ? found.create_room_version : null;
  return settings.roomVersion ?? found.room_version ?? fromCreate ?? undefined;
}

function unknownVersion(name: string): never {
  throw new UsageError(`${name} does not say the version of its room`, {
    code: "room_version_missing",
    hint:
      "Add --room-version, such as --room-version 11: the room's m.room.create event has it in\n" +
      "content.room_version (when it has none there, it is 1).",
  });
}
