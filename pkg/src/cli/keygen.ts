/** `fedproof keygen` */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { SigningKey } from "../index.js";
import { print } from "./output.js";
import { type Finish, OK } from "./program.js";
import { jsonLine } from "./style.js";
import { UsageError } from "./usage.js";

const HELP = `
The file has the format of Synapse's signing key: one line, "ed25519 NAME SEED". Whoever has the
seed can sign in the server's name: -o writes a file only you can read, and never over another.

  $ fedproof keygen -o signing.key
  $ fedproof keygen --id a_2026 --json

Spec: https://spec.matrix.org/v1.19/appendices/#signing-details`;

interface Flags {
  id?: string;
  output?: string;
  json?: boolean;
}

export function keygenCommand(finish: Finish): Command {
  return new Command("keygen")
    .summary("make a signing key")
    .description("Makes an ed25519 signing key and prints its public half to standard error.")
    .option("--id <name>", 'the name of the key, the part after "ed25519:" (random unless given)')
    .option("-o, --output <file>", "write the key to this file instead of standard output")
    .option("--json", "print a JSON object: key_id, public_key, and key_file (its line) unless -o is given")
    .addHelpText("after", HELP)
    .action(async ({ id, output, json }: Flags) => {
      const key = SigningKey.generate(id === undefined ? undefined : `ed25519:${id.replace(/^ed25519:/, "")}`);
      const line = key.toSynapseKeyFile();
      key.dispose();
      if (output !== undefined) await writeNew(output, line);
      const { keyId: key_id, publicKey: public_key } = key;
      if (json) {
        await print(jsonLine({ key_id, public_key, ...(output === undefined && { key_file: line }) }));
      } else {
        process.stderr.write(`key id      ${key_id}\npublic key  ${public_key}\n`);
        if (output === undefined) await print(line);
      }
      finish(OK);
    });
}

async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    const exists = error.code === "EEXIST";
    throw new UsageError(
      exists ? `${path} exists, and a key is never overwritten` : `${path} cannot be written: ${error.message}`,
      { code: "output_unwritable", hint: exists ? "Choose another name, or move the old key away first." : "" },
    );
  });
}
