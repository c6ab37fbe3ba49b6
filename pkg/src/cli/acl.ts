/** `fedproof acl` */
import { createInterface } from "node:readline";
import { Command } from "commander";
import { type AclDecision, ServerAcl } from "../index.js";
import { errcodeOf, eventsIn, itemsOf, lastOfType, membersOf, STATE_FIELDS } from "./event-files.js";
import { warn } from "./key-files.js";
import { MARKS } from "./outcome.js";
import { print } from "./output.js";
import { type Finish, NOT_ACCEPTED, OK } from "./program.js";
import { nameOf, readWhole } from "./source.js";
import { jsonLine, type Paint, painter, printable } from "./style.js";
import { UsageError } from "./usage.js";

const HELP = `
The file is the room's m.room.server_acl event, its content, or a list of events (an array, NDJSON, a
room file, the answer of a server to /state), of which the last such event counts.

  $ fedproof acl acl.json matrix.org evil.example:8448
  $ fedproof acl room.json - < names.txt
  $ curl -s -H "Authorization: Bearer …" \\
      https://example.org/_matrix/client/v3/rooms/ROOM/state/m.room.server_acl | fedproof acl - matrix.org

Ports do not count, nor does the case of letters; entries match the whole name. An ACL is asked about
the server that makes a request, not about the senders of the events in it.

Exit codes: 0 all are allowed, 1 some are denied, 2 bad usage or unreadable input.

Spec: https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl`;

const ACL = "m.room.server_acl";
const LISTS = [...STATE_FIELDS, "auth_chain"];

export function aclCommand(finish: Finish): Command {
  return new Command("acl")
    .summary("ask a server ACL whether servers may take part in a room")
    .description("Says of each server whether a room's server ACL allows it, and which entry decides.")
    .argument("<file>", 'the ACL event, its content, or events with it among them; "-" for standard input')
    .argument("<names...>", 'names of servers; "-" for standard input, with one a line')
    .option("--json", "print a JSON object a line: server_name, allowed, code, reason, step, evidence")
    .addHelpText("after", HELP)
    .action(async (file: string, names: string[], flags: { json?: boolean }) => {
      if ([file, ...names].filter((name) => name === "-").length > 1) {
        throw new UsageError("the ACL and the names cannot both come from standard input");
      }
      const acl = await readAcl(file);
      const paint = painter(process.stdout);
      const widest = Math.min(Math.max(...names.map((name) => name.length)), 40);
      let exitCode = OK;
      try {
        for await (const name of allOf(names)) {
          const decision = acl.check(name);
          if (!decision.allowed) exitCode = NOT_ACCEPTED;
          await print(flags.json ? jsonLine({ server_name: name, ...decision }) : line(name, decision, widest, paint));
        }
      } finally {
        acl.dispose();
      }
      finish(exitCode);
    });
}

/** The ACL in a file; a room without one has none, and allows everybody. */
async function readAcl(path: string): Promise<ServerAcl> {
  const name = nameOf(path);
  const found = aclIn(await readWhole(path), name);
  if (!found) warn(`${name} has no ${ACL} event with an empty state key: a room without one allows all servers`);
  const acl = new ServerAcl(found);
  if (acl.ignored !== undefined) warn(`${name} is not the ACL of a room: ${acl.ignored}. All servers are allowed`);
  if (acl.skipped > 0) warn(`${name}: entries that are no strings are passed over (${acl.skipped})`);
  return acl;
}

/** The event or content of a file that is one, or the last of the room's ACLs in a list of events. */
function aclIn(text: Uint8Array, name: string): Uint8Array | undefined {
  const members = membersOf(text, name);
  if (!members) return lastOfType(eventsIn(text, name, LISTS), ACL);
  const isOne = ["type", "allow", "deny", "allow_ip_literals"].some((field) => members.has(field));
  if (isOne) return text;
  const lists = LISTS.filter((field) => members.has(field));
  if (lists.length > 0) {
    return lastOfType(lists.flatMap((field) => itemsOf(members.get(field) as Uint8Array, `${field} of ${name}`)), ACL);
  }
  const errcode = errcodeOf(members);
  if (errcode === undefined) return text;
  throw new UsageError(`${name} is the error ${errcode} of a server, and no ACL`, { code: "input_unreadable" });
}

async function* allOf(names: readonly string[]): AsyncIterable<string> {
  for (const name of names) {
    if (name !== "-") yield name;
    else for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== "") yield line.trim();
  }
}

function line(name: string, { allowed, step, reason }: AclDecision, widest: number, paint: Paint): string {
  const { mark, format } = MARKS[allowed ? "pass" : "fail"];
  const word = paint(format, allowed ? "allowed" : "denied ");
  const by = step === undefined ? "      " : `step ${step}`;
  return `${paint(format, mark)} ${word}  ${printable(name).padEnd(widest)}  ${paint("dim", by)}  ${printable(reason)}\n`;
}
