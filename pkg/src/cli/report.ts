/** How verdicts are told: the interface, and the form for programs. */
import type { Verdict } from "../index.js";
import type { Description } from "../reader.js";
import { print } from "./output.js";
import { jsonLine } from "./style.js";

/** Is told the verdicts as they come. */
export interface Report {
  /** Before the first verdict. */
  begin(source: Description): Promise<void>;
  verdicts(verdicts: readonly Verdict[]): Promise<void>;
  end(): Promise<void>;
}

/** A verdict a line. */
export class JsonReport implements Report {
  async begin(): Promise<void> {}

  async verdicts(verdicts: readonly Verdict[]): Promise<void> {
    await print(verdicts.map(jsonLine).join(""));
  }

  async end(): Promise<void> {}
}
