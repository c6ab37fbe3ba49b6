/** A progress bar for long files, on a terminal only. */
import type { SingleBar } from "cli-progress";

/** Below this a bar would only flicker. */
const LONG = 8 * 1024 * 1024;
const MEGABYTE = 1_000_000;

/** Shows how much of a source was read. All calls are harmless when there is nothing to show. */
export class Progress {
  readonly #total: number;
  readonly #bar: SingleBar | undefined;
  #read = 0;
  #activity = "";
  #events = 0;
  #problems = 0;

  private constructor(total: number, bar: SingleBar | undefined) {
    this.#total = total;
    this.#bar = bar;
  }

  /** The progress through a source of `size` bytes, where that is known. */
  static async of(size = 0): Promise<Progress> {
    if (!process.stderr.isTTY || size < LONG) return new Progress(size, undefined);
    // Loaded when it is needed: it costs more than a short file takes.
    const { default: bars } = await import("cli-progress");
    const options = {
      stream: process.stderr,
      format: " {activity} {bar} {percentage}% of {megabytes} MB  {events} events, {problems} not accepted",
      clearOnComplete: true,
      hideCursor: true,
      fps: 10,
      barsize: 24,
    };
    return new Progress(size, new bars.SingleBar(options, bars.Presets.shades_classic));
  }

  /** A reading begins, from the start of the source. */
  begin(): void {
    this.#read = 0;
    this.#activity = "reading";
    this.#restart();
  }

  /** What is read is judged from here on. */
  judging(): void {
    this.#activity = "verifying";
    this.#restart();
  }

  advance(bytes: number): void {
    this.#read += bytes;
    this.#bar?.update(Math.min(this.#read, this.#total), this.#payload());
  }

  count({ events, accepted }: { events: number; accepted: number }): void {
    this.#events = events;
    this.#problems = events - accepted;
    this.#bar?.update(this.#payload());
  }

  /** Takes the bar away while `work` prints to the same terminal. */
  async aside(work: () => Promise<void>): Promise<void> {
    if (process.stdout.isTTY) this.#bar?.stop();
    await work();
    if (process.stdout.isTTY) this.#restart();
  }

  end(): void {
    this.#bar?.stop();
  }

  #restart(): void {
    this.#bar?.start(this.#total, Math.min(this.#read, this.#total), this.#payload());
  }

  #payload(): Record<string, string> {
    return {
      activity: this.#activity,
      megabytes: Math.round(this.#total / MEGABYTE).toLocaleString("en"),
      events: this.#events.toLocaleString("en"),
      problems: this.#problems.toLocaleString("en"),
    };
  }
}
