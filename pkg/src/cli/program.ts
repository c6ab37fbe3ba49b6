/** The commands, their help, and what becomes of errors. */
import { existsSync, readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { FedproofError } from "../index.js";
import { aclCommand } from "./acl.js";
import { authCommand } from "./auth.js";
import { canonicalCommand } from "./canonical.js";
import { codesCommand } from "./codes.js";
import { demoCommand } from "./demo.js";
import { eventIdCommand } from "./event-id.js";
import { hashCommand } from "./hash.js";
import { keygenCommand } from "./keygen.js";
import { backfillCommand } from "./network/backfill.js";
import { joinCommand } from "./network/join.js";
import { keysCommand } from "./network/keys.js";
import { requestCommand } from "./network/request.js";
import { resolveCommand } from "./network/resolve.js";
import { guardOutput } from "./output.js";
import { redactCommand } from "./redact.js";
import { resolveStateCommand } from "./resolve-state.js";
import { roomCommand } from "./room.js";
import { signCommand } from "./sign.js";
import { painter, printable, widthOf } from "./style.js";
import { UsageError } from "./usage.js";
import { verifyCommand } from "./verify.js";

/** All accepted, or done. */
export const OK = 0;
/** Some event is not accepted. */
export const NOT_ACCEPTED = 1;
/** Bad usage, or unreadable input. */
export const UNUSABLE = 2;

/** Hands the exit code of a command's action to {@link run}. */
export type Finish = (exitCode: number) => void;

const INTRODUCTION = `Verifies Matrix federation events, and says why when one does not hold.`;

const EXAMPLES = `
Examples:
  $ fedproof verify room.json
      judge every event of a room file with the keys in it
  $ fedproof verify events.ndjson --room-version 11 --keys keys.json --json | jq .outcome
      an event a line, a verdict a line
  $ fedproof room room.json --state
      receive a whole room through all checks, and list the state it comes to
  $ fedproof resolve-state states.json --trace
      which event wins where states differ, and why
  $ fedproof auth event.json --state state.json --room-version 11
      is it allowed in the room, and which authorization rule says so
  $ fedproof acl acl.json matrix.org
      may a server take part in a room
  $ fedproof resolve matrix.org
      where is a server, which step of the specification says so, and does it answer
  $ fedproof join '#matrix:matrix.org' --user @me:example.org --key signing.key --save room.json
      join a room as a server does, and verify all of its state
  $ fedproof canonical event.json
      canonical JSON of anything
  $ fedproof codes signature_key_missing
      what a code in a verdict means

Exit codes: 0 all accepted, 1 some event is not accepted or a server does not help, 2 bad usage or
unreadable input. Files may be "-" for standard input. "fedproof help COMMAND" tells more about each command.`;

/** Runs the command line; answers the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  guardOutput();
  let exitCode = OK;
  const program = build((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      hintAtVerify(thrown, argv);
      return thrown.exitCode === 0 ? OK : UNUSABLE; // its message is printed already
    }
    report(thrown, argv.includes("--json"));
    return UNUSABLE;
  }
  return exitCode;
}

function build(finish: Finish): Command {
  const title = painter(process.stdout);
  const program = new Command("fedproof")
    .description(INTRODUCTION)
    .version(packageVersion(), "-V, --version", "print the version of fedproof")
    .helpOption("-h, --help", "print help")
    .addHelpText("after", EXAMPLES)
    .configureHelp({
      styleTitle: (text) => title("bold", text),
      styleCommandText: (text) => title("cyan", text),
      styleOptionTerm: (text) => title("cyan", text),
      styleSubcommandTerm: (text) => title("cyan", text),
    })
    .configureOutput({ getOutHelpWidth: () => Math.min(widthOf(process.stdout), 100) })
    .showHelpAfterError('("fedproof --help" and "fedproof COMMAND --help" tell what is possible)')
    .exitOverride();
  const commands = [
    verifyCommand,
    roomCommand,
    authCommand,
    resolveStateCommand,
    aclCommand,
    canonicalCommand,
    hashCommand,
    eventIdCommand,
    redactCommand,
    signCommand,
    keygenCommand,
    resolveCommand,
    keysCommand,
    requestCommand,
    joinCommand,
    backfillCommand,
    codesCommand,
    demoCommand,
  ];
  for (const command of commands) program.addCommand(command(finish).copyInheritedSettings(program));
  return program;
}

/** The commonest slip: `fedproof room.json`. */
function hintAtVerify(error: CommanderError, argv: readonly string[]): void {
  const [first] = argv;
  if (error.code === "commander.unknownCommand" && first !== undefined && existsSync(first)) {
    process.stderr.write(`did you mean: fedproof verify ${printable(first)}\n`);
  }
}

function report(thrown: unknown, json: boolean): void {
  const known = thrown instanceof UsageError || thrown instanceof FedproofError;
  if (json) {
    const { code, message } = known
      ? (thrown as UsageError | FedproofError)
      : { code: "internal", message: String(thrown) };
    process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
    return;
  }
  const paint = painter(process.stderr);
  const label = paint("red", "fedproof:");
  if (thrown instanceof UsageError) {
    process.stderr.write(`${label} ${printable(thrown.message)}\n`);
    if (thrown.hint) process.stderr.write(`${thrown.hint}\n`);
  } else if (thrown instanceof FedproofError) {
    process.stderr.write(`${label} ${printable(thrown.message)} (${thrown.code})\n`);
    if (thrown.docs) process.stderr.write(`${paint("dim", thrown.docs)}\n`);
  } else {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    process.stderr.write(`${label} a fault in fedproof itself:\n${text}\n`);
  }
}

function packageVersion(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
