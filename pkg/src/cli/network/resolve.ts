/** `fedproof resolve` */
import { Command } from "commander";
import { FedproofError, type Resolution } from "../../index.js";
import { print } from "../output.js";
import { type Finish, NOT_ACCEPTED, OK } from "../program.js";
import { readWhole } from "../source.js";
import { jsonLine, painter, printable, widthOf } from "../style.js";
import { type Connection, tryAll } from "./connections.js";
import { type Conversation, converse } from "./conversation.js";
import { evidenceOf, tellFailure, traceIn } from "./failure.js";
import { ladderText } from "./ladder.js";
import { type NetworkFlags, withNetwork } from "./options.js";
import { connectionHints, connectionsText, decisionText, summaryText } from "./resolution-report.js";

const HELP = `
Shows each step of the ladder that other servers climb: what was asked of DNS and of the web server, what
came back, and why that decided. Then each place it leads to is connected to, also those behind the first:
does it answer, and is its certificate for the right name.

  $ fedproof resolve matrix.org
  $ fedproof resolve matrix.org --json | jq -r '.connections[] | select(.answers | not) | .address'

Exit codes: 0 found and every place answers, 1 not found or a place does not answer, 2 bad usage.

Spec: https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names`;

const READABLE = 110;

interface Flags extends NetworkFlags {
  connect: boolean;
}

export function resolveCommand(finish: Finish): Command {
  const command = new Command("resolve")
    .summary("find a server: DNS, .well-known, certificate, each step told")
    .description("Finds a server by its name, step by step, and tries to connect to it.")
    .argument("<name>", "the name of a server, such as matrix.org")
    .option("--no-connect", "do not connect to the server itself")
    .option("--json", "print one JSON object: the resolution with its trace, and connections");
  return withNetwork(command)
    .addHelpText("after", HELP)
    .action(async (name: string, flags: Flags) => {
      finish(await converse(flags, (conversation) => resolve(name, flags, conversation)));
    });
}

async function resolve(name: string, flags: Flags, { federation, host, signal }: Conversation): Promise<number> {
  const paint = painter(process.stdout);
  const width = Math.min(widthOf(process.stdout), READABLE);
  let resolution: Resolution;
  try {
    resolution = await federation.resolve(name, { signal });
  } catch (thrown) {
    const trace = thrown instanceof FedproofError ? traceIn(evidenceOf(thrown)) : undefined;
    // Without a step on the ladder it was no name.
    if (trace === undefined || trace.length === 0) throw thrown;
    const { code, message } = thrown as FedproofError;
    if (flags.json) {
      await print(jsonLine({ server_name: name, error: { code, message }, trace }));
    } else {
      await print(`\n${paint("bold", printable(name))}\n\n${ladderText(trace, true, width, paint)}\n`);
      tellFailure(thrown as FedproofError, false, true);
    }
    return NOT_ACCEPTED;
  }
  if (!flags.json) {
    await print(`\n${paint("bold", printable(name))}\n\n${ladderText(resolution.trace, false, width, paint)}\n`);
    await print(decisionText(resolution, width, paint));
  }
  const ca = flags.ca === undefined ? undefined : new TextDecoder().decode(await readWhole(flags.ca));
  const connections = flags.connect ? await tryAll(resolution, host, ca, signal) : [];
  if (flags.json) await print(jsonLine({ ...resolution, connections }));
  else if (flags.connect) {
    await print(`\n${connectionsText(connections, width, paint)}${connectionHints(connections, width)}\n`);
    await print(summaryText(name, connections, paint));
  }
  return flags.connect && !good(connections) ? NOT_ACCEPTED : OK;
}

function good(connections: readonly Connection[]): boolean {
  const tried = connections.filter(({ out_of_reach }) => !out_of_reach);
  return tried.length > 0 && tried.every(({ answers }) => answers);
}
