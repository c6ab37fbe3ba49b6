/** Does the same to every document of a file, and prints a line for each. */
import { FedproofError } from "../index.js";
import { documentsOf } from "./documents.js";
import { print } from "./output.js";
import { OK, UNUSABLE } from "./program.js";
import { jsonLine, painter, printable } from "./style.js";

/** What a command makes of a document. */
export interface Made {
  /** For people and pipes. */
  text: string;
  /** For `--json`. */
  json: Record<string, unknown>;
}

/**
 * Prints what `make` makes of each document. With many documents a bad one is reported and the
 * others go on.
 *
 * @returns The exit code.
 */
export async function forEachDocument(
  path: string,
  json: boolean,
  make: (bytes: Uint8Array) => Made,
): Promise<number> {
  let exitCode = OK;
  for await (const { bytes, line } of documentsOf(path)) {
    try {
      const made = make(bytes);
      await print(json ? jsonLine(made.json) : made.text);
    } catch (thrown) {
      if (!(thrown instanceof FedproofError) || line === undefined) throw thrown;
      exitCode = UNUSABLE;
      const { code, message } = thrown;
      // With --json every document has its line, so that lines can be matched.
      if (json) await print(jsonLine({ line, error: { code, message } }));
      else {
        const label = painter(process.stderr)("red", `line ${line}:`);
        process.stderr.write(`${label} ${printable(message)} (${code})\n`);
      }
    }
  }
  return exitCode;
}
