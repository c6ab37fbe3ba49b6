/** What a long conversation is at, on a terminal only. */
import type { SingleBar } from "cli-progress";
import type { CallOptions } from "../../index.js";
import { printable } from "../style.js";

type Tell = NonNullable<CallOptions["onProgress"]>;

/** One line on standard error that goes away in the end. All calls are harmless where there is no terminal. */
export class Activity {
  readonly #bar: SingleBar | undefined;

  private constructor(bar: SingleBar | undefined) {
    this.#bar = bar;
  }

  static async begin(doing: string, json = false): Promise<Activity> {
    if (!process.stderr.isTTY || json) return new Activity(undefined);
    const { default: bars } = await import("cli-progress");
    const options = { stream: process.stderr, format: "{doing}", clearOnComplete: true, hideCursor: true, fps: 10 };
    const bar = new bars.SingleBar(options, bars.Presets.shades_classic);
    bar.start(1, 0, { doing: printable(doing) });
    return new Activity(bar);
  }

  tell(doing: string): void {
    this.#bar?.update({ doing: printable(doing) });
  }

  /** For `onProgress` of a call. */
  readonly follow: Tell = ({ stage, done, total }) => {
    const of = total === undefined ? "" : ` of ${total.toLocaleString("en")}`;
    this.tell(`${STAGES[stage] ?? stage}${done > 0 ? `: ${done.toLocaleString("en")}${of}` : ""}`);
  };

  end(): void {
    this.#bar?.stop();
  }
}

const STAGES: Readonly<Record<string, string>> = {
  send_join: "waiting for the answer to the join",
  keys: "fetching the keys of servers",
  verify: "verifying events",
};
