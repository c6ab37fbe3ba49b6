/** `fedproof sign` */
import { Command } from "commander";
import { signEvent, SigningKey, signJson } from "../index.js";
import { forEachDocument } from "./each.js";
import type { Finish } from "./program.js";
import { readWhole } from "./source.js";
import { UsageError } from "./usage.js";

const HELP = `
With a room version the file is signed as an event: its content hash is set, and the signature
covers its redacted form. Without, it is signed as it is. Signatures that are there already stay.

  $ fedproof keygen -o signing.key
  $ fedproof sign event.json --key signing.key --server-name example.org --room-version 11

Spec: https://spec.matrix.org/v1.19/appendices/#signing-json`;

interface Flags {
  key: string;
  serverName: string;
  roomVersion?: string;
  json?: boolean;
}

export function signCommand(finish: Finish): Command {
  return new Command("sign")
    .summary("sign JSON or an event")
    .description("Prints JSON with a signature added, in canonical form.")
    .argument("<file>", 'JSON, or NDJSON with an object a line; "-" for standard input')
    .requiredOption("-k, --key <file>", "key file as Synapse has them (ed25519 NAME SEED)")
    .requiredOption("-s, --server-name <name>", "the server that signs")
    .option("-r, --room-version <version>", "sign as an event of a room of this version")
    .option("--json", "print a JSON object a line: signed (the canonical text), key_id")
    .addHelpText("after", HELP)
    .action(async (file: string, { key: keyFile, serverName, roomVersion, json }: Flags) => {
      if (file === "-" && keyFile === "-") {
        throw new UsageError("the file and the key cannot both come from standard input");
      }
      const text = await readWhole(keyFile);
      const key = SigningKey.fromSynapseKeyFile(text);
      text.fill(0);
      try {
        finish(
          await forEachDocument(file, json === true, (document) => {
            const signed =
              roomVersion === undefined
                ? signJson(document, { serverName, key })
                : signEvent(document, { serverName, key, roomVersion });
            return { text: `${signed}\n`, json: { signed, key_id: key.keyId } };
          }),
        );
      } finally {
        key.dispose();
      }
    });
}
