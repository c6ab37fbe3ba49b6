/** `fedproof canonical` */
import { Command } from "commander";
import { canonicalJson, type Numbers } from "../index.js";
import { forEachDocument } from "./each.js";
import type { Finish } from "./program.js";
import { UsageError } from "./usage.js";

const HELP = `
Canonical JSON is what gets hashed and signed: keys sorted, no white space, UTF-8, integers only.
The line ends with a newline; -n leaves it out, so that the bytes can be hashed as they are:

  $ fedproof canonical -n object.json | sha256sum

Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json`;

interface Flags {
  lenient?: boolean;
  historical?: boolean;
  newline: boolean;
  json?: boolean;
}

export function canonicalCommand(finish: Finish): Command {
  return new Command("canonical")
    .summary("print JSON in canonical form")
    .description("Prints JSON in canonical form; of NDJSON, each line.")
    .argument("[file]", 'a JSON or NDJSON file, or "-" for standard input', "-")
    .option("--lenient", "take 1.0 and 1e10 for the integers they stand for")
    .option("--historical", "numbers as in room versions 1 to 5: any integer, fractions as Python writes them")
    .option("-n, --no-newline", "print no newline at the end")
    .option("--json", "print a JSON object a line: canonical, bytes")
    .addHelpText("after", HELP)
    .action(async (file: string, flags: Flags) => {
      const numbers = numbersOf(flags);
      finish(
        await forEachDocument(file, flags.json === true, (bytes) => {
          const canonical = canonicalJson(bytes, { numbers });
          return {
            text: flags.newline ? `${canonical}\n` : canonical,
            json: { canonical, bytes: Buffer.byteLength(canonical) },
          };
        }),
      );
    });
}

function numbersOf({ lenient, historical }: Flags): Numbers {
  if (lenient && historical) {
    throw new UsageError("--lenient and --historical contradict each other");
  }
  if (lenient) return "lenient";
  return historical ? "historical" : "strict";
}
