/** `fedproof keys` */
import { Command } from "commander";
import { type Federation, FedproofError, KeyRing, type KeyReport, type ServerKeys, verifyJson } from "../../index.js";
import { itemsOf, membersOf } from "../event-files.js";
import { print } from "../output.js";
import { type Finish, NOT_ACCEPTED, OK } from "../program.js";
import { jsonLine, painter, widthOf } from "../style.js";
import { type Conversation, converse } from "./conversation.js";
import { keysText, refusedText, type Shown, type Signer } from "./keys-report.js";
import { type NetworkFlags, withNetwork } from "./options.js";

const HELP = `
Fetches the keys that a server publishes and proves them by its own signature. With --notary another server
is asked for them instead, as servers do when the first one is gone; its word alone proves nothing.

  $ fedproof keys matrix.org
  $ fedproof keys gone.example --notary matrix.org
  $ fedproof keys matrix.org --json | jq -r .document > keys.json     for verify --keys

Exit codes: 0 the keys are proven, 1 they are not, or nobody answers, 2 bad usage.

Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys`;

interface Flags extends NetworkFlags {
  notary?: string;
}

export function keysCommand(finish: Finish): Command {
  const command = new Command("keys")
    .summary("fetch the keys of a server, and prove them")
    .description("Fetches the keys of a server, from itself or from a notary, and says what proves them.")
    .argument("<name>", "the name of a server")
    .option("--notary <name>", "ask this server for the keys instead")
    .option("--json", "print a JSON object a line: keys, refused, signatures, and the document as it came");
  return withNetwork(command)
    .addHelpText("after", HELP)
    .action(async (name: string, flags: Flags) => {
      finish(await converse(flags, (conversation) => keys(name, flags, conversation)));
    });
}

async function keys(name: string, flags: Flags, { federation, keys: ring, signal }: Conversation): Promise<number> {
  const paint = painter(process.stdout);
  const width = Math.min(widthOf(process.stdout), 110);
  if (flags.notary === undefined) {
    const report = await federation.serverKeys(name, { signal });
    const shown = { ...report, signatures: signersOf(report.document, [name], ring) };
    await print(flags.json ? jsonLine(shown) : keysText(shown, width, paint));
    return OK;
  }
  const answers = await askNotary(federation, flags.notary, name, signal);
  for (const answer of answers) {
    if (flags.json) await print(jsonLine(answer));
    else await print("error" in answer ? refusedText(answer, width, paint) : keysText(answer, width, paint));
  }
  const proven = answers.some((answer) => !("error" in answer) && answer.server_name === name);
  return proven ? OK : NOT_ACCEPTED;
}

/** A document that does not prove itself. */
export interface Refused {
  notary: string;
  error: { code: string; message: string };
  document: string;
}

async function askNotary(federation: Federation, notary: string, name: string, signal: AbortSignal): Promise<(Shown | Refused)[]> {
  const target = `/_matrix/key/v2/query/${encodeURIComponent(name)}`;
  const { status, body } = await federation.request(notary, { target, signed: false, signal });
  const list = membersOf(body, notary)?.get("server_keys");
  if (status !== 200 || list === undefined) {
    throw new FedproofError("remote_failed", `${notary} answers ${status} to a question for keys, with no list of them`);
  }
  // Its signature is told only where its key is to be had.
  const known = await federation.serverKeys(notary, { signal }).catch((thrown: unknown) => {
    if (signal.aborted || !(thrown instanceof FedproofError)) throw thrown;
    return undefined;
  });
  const documents = itemsOf(list, notary);
  if (documents.length === 0) throw new FedproofError("remote_not_found", `${notary} has no keys of ${name}`);
  return documents.map((bytes) => prove(new TextDecoder().decode(bytes), notary, known && federation.keys));
}

function prove(document: string, notary: string, notaryKeys: KeyRing | undefined): Shown | Refused {
  const ring = new KeyRing();
  try {
    const report: KeyReport = ring.addServerKeys(document);
    const signatures = signersOf(document, [report.server_name], ring);
    const byNotary = notaryKeys === undefined ? [] : signersOf(document, [notary], notaryKeys);
    const signed = { notary, notary_signed: byNotary.some(({ result }) => result === "valid") };
    const answer: ServerKeys = { ...report, document, ...signed };
    return { ...answer, signatures: [...signatures, ...byNotary] };
  } catch (thrown) {
    if (!(thrown instanceof FedproofError)) throw thrown;
    const { code, message } = thrown;
    return { notary, error: { code, message }, document };
  } finally {
    ring.dispose();
  }
}

/** Each signature of these servers on a document, and what it is worth. */
function signersOf(document: string, servers: readonly string[], ring: KeyRing): Signer[] {
  return servers.flatMap((serverName) => {
    const { signatures } = verifyJson(document, { serverName, keys: ring });
    return signatures.map((signature) => ({ server: serverName, ...signature }));
  });
}
