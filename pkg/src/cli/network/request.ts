/** `fedproof request` */
import { Command } from "commander";
import wrap from "wrap-ansi";
import type { RequestAnswer, Resolution } from "../../index.js";
import { isObject } from "../event-files.js";
import { print } from "../output.js";
import { type Finish, NOT_ACCEPTED, OK } from "../program.js";
import { readWhole } from "../source.js";
import { jsonLine, painter, printable, widthOf } from "../style.js";
import { UsageError } from "../usage.js";
import { type Conversation, converse } from "./conversation.js";
import { hintsFor } from "./hints.js";
import { ladderText } from "./ladder.js";
import { type IdentityFlags, type NetworkFlags, withIdentity, withNetwork } from "./options.js";

const HELP = `
With --key the request is signed in the name of our server (X-Matrix); the server asked looks our key up at
--server-name. Path and query go out exactly as they are given: they are part of what is signed.

  $ fedproof request GET matrix.org /_matrix/federation/v1/version
  $ fedproof request GET matrix.org '/_matrix/federation/v1/query/profile?user_id=%40a%3Amatrix.org' \\
      --key signing.key --server-name example.org | jq
  $ fedproof request PUT example.org /_matrix/federation/v1/send/1 --data transaction.json --key …

The body is printed as it came, and the status on standard error. Nothing of it is verified.

Exit codes: 0 the status is 2xx, 1 it is another, or nobody answers, 2 bad usage.

Spec: https://spec.matrix.org/v1.19/server-server-api/#request-authentication`;

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
type Method = (typeof METHODS)[number];

interface Flags extends NetworkFlags, IdentityFlags {
  data?: string;
  trace?: boolean;
}

export function requestCommand(finish: Finish): Command {
  const command = new Command("request")
    .summary("make a signed request to another server")
    .description("Finds a server, makes a request to it, signed if there is a key, and prints the answer.")
    .argument("<method>", METHODS.join(", "))
    .argument("<name>", "the name of a server")
    .argument("<path>", "path and query, such as /_matrix/federation/v1/version")
    .option("-d, --data <file>", 'the body, JSON; "-" for standard input')
    .option("--trace", "tell how the server was found, on standard error")
    .option("--json", "print one JSON object: status, headers, body (as text; as body_base64 if it is none)");
  return withNetwork(withIdentity(command, "to sign with"))
    .addHelpText("after", HELP)
    .action(async (given: string, name: string, path: string, flags: Flags) => {
      const method = METHODS.find((one) => one === given.toUpperCase());
      if (method === undefined) throw new UsageError(`the method must be one of ${METHODS.join(", ")}, not ${given}`);
      if (!path.startsWith("/")) throw new UsageError(`the path must begin with "/", such as /_matrix/federation/v1/version`);
      if (flags.data === "-" && flags.key === "-") {
        throw new UsageError("the body and the key cannot both come from standard input");
      }
      const content = flags.data === undefined ? undefined : await readWhole(flags.data);
      finish(await converse(flags, (conversation) => ask({ method, name, path, content }, flags, conversation)));
    });
}

interface Asked {
  method: Method;
  name: string;
  path: string;
  content: Uint8Array | undefined;
}

async function ask(
  { method, name, path, content }: Asked,
  flags: Flags,
  { federation, signal }: Conversation,
): Promise<number> {
  if (flags.trace) tellTrace(await federation.resolve(name, { signal }));
  const signed = flags.key !== undefined;
  const request = { method, target: path, signed, signal, ...(content === undefined ? {} : { content }) };
  const answer = await federation.request(name, request);
  await (flags.json ? print(jsonLine(inJson(answer))) : show(answer, name, signed));
  return answer.status >= 200 && answer.status < 300 ? OK : NOT_ACCEPTED;
}

function tellTrace({ trace }: Resolution): void {
  const width = Math.min(widthOf(process.stderr), 110);
  process.stderr.write(`${ladderText(trace, false, width, painter(process.stderr))}\n`);
}

function inJson({ status, headers, body }: RequestAnswer): object {
  const text = textOf(body);
  const said = text === undefined ? { body_base64: Buffer.from(body).toString("base64") } : { body: text };
  return { status, headers: Object.fromEntries(headers), ...said };
}

async function show({ status, headers, body }: RequestAnswer, name: string, signed: boolean): Promise<void> {
  const paint = painter(process.stderr);
  const type = headers.find(([header]) => header === "content-type")?.[1];
  const facts = [type, `${body.length.toLocaleString("en")} bytes`, signed ? "signed request" : "request without signature"];
  const isGood = status >= 200 && status < 300;
  const said = facts.filter((fact) => fact !== undefined).join(", ");
  process.stderr.write(`${paint(isGood ? "green" : "red", String(status))} ${printable(name)}  ${paint("dim", printable(said))}\n`);
  // For a terminal it must be harmless; for everybody else it stays what it is.
  const text = process.stdout.isTTY ? (textOf(body) ?? `(${body.length} bytes that are no text)`) : undefined;
  if (text === undefined) await print(body);
  else await print(`${text.split("\n").map(printable).join("\n")}\n`);
  const width = Math.min(widthOf(process.stderr), 110);
  for (const hint of hints(status, body, signed)) process.stderr.write(`\n${wrap(hint, width)}\n`);
}

function hints(status: number, body: Uint8Array, signed: boolean): string[] {
  const errcode = errcodeIn(body);
  if (status === 401 && !signed) return ["The request has to be signed: --key FILE --server-name NAME."];
  if (status === 401) return hintsFor("remote_unauthorized", {});
  if (errcode === "M_UNRECOGNIZED" || (status === 404 && errcode === undefined)) return hintsFor("remote_unrecognized", {});
  if (status === 429) return hintsFor("remote_rate_limited", {});
  return [];
}

function errcodeIn(body: Uint8Array): unknown {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    return isObject(answer) ? answer["errcode"] : undefined;
  } catch {
    return undefined;
  }
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}
