/** `fedproof codes` */
import { Command } from "commander";
import { type CodeInfo, verdictCodes } from "../index.js";
import { print } from "./output.js";
import { type Finish, OK } from "./program.js";
import { jsonLine, painter, widthOf } from "./style.js";
import { PLAIN_LINES } from "./table.js";
import { UsageError } from "./usage.js";

const HELP = `
  $ fedproof codes                       all of them
  $ fedproof codes signature_invalid     one of them
  $ fedproof codes --json | jq .code`;

export function codesCommand(finish: Finish): Command {
  return new Command("codes")
    .summary("explain the codes in verdicts and errors")
    .description("Explains a code, or lists all codes of verdicts, flags and errors.")
    .argument("[code]", "a code, such as signature_invalid")
    .option("--json", "print a JSON object a line")
    .addHelpText("after", HELP)
    .action(async (code: string | undefined, flags: { json?: boolean }) => {
      const known = verdictCodes();
      const chosen = code === undefined ? known : [find(known, code)];
      if (flags.json) await print(chosen.map(jsonLine).join(""));
      else if (code === undefined) await print(await list(chosen));
      else await print(await explain(chosen[0] as CodeInfo));
      finish(OK);
    });
}

function find(known: readonly CodeInfo[], code: string): CodeInfo {
  const found = known.find((one) => one.code === code);
  if (found) return found;
  const words = code.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word.length > 2);
  const near = known.filter((one) => words.some((word) => one.code.includes(word)));
  const names = near.slice(0, 6).map((one) => one.code);
  throw new UsageError(`there is no code "${code}"`, {
    hint: names.length > 0 ? `Did you mean ${names.join(", ")}?` : '"fedproof codes" lists all.',
  });
}

async function explain(info: CodeInfo): Promise<string> {
  const { default: wrap } = await import("wrap-ansi");
  const paint = painter(process.stdout);
  const lines = [`${paint("bold", info.code)}  ${paint("dim", originOf(info))}`, info.summary];
  const text = wrap(lines.join("\n"), Math.min(widthOf(process.stdout), 100), { trim: false });
  // Outside the wrapping: a link must stay on one line to be one.
  return `${text}\n${paint("dim", info.spec)}\n`;
}

/** Where a code comes from, and what follows from it. */
function originOf({ code, check, kind, effect }: CodeInfo): string {
  if (kind === "flag") return "a flag of verdicts";
  if (kind === "error") return "an error";
  if (kind === "trace") return "a trace of server discovery";
  if (code.startsWith("acl_")) return `a server ACL, the server is ${effect}`;
  if (check === null) return `${code.startsWith("invite_") ? "an invite, it" : "a request, it"} is ${effect}`;
  if (check !== 4) return `check ${check}, the event is ${effect?.replace("_", " ")}`;
  // The table has the authorization rules under the first check that asks them.
  if (/^auth_event/.test(code)) return `check 4, the event is ${effect}`;
  if (effect === "incomplete") return `checks ${code.startsWith("state_") ? "5 to 7" : "4 to 6"}, the event is ${effect}`;
  return `checks 4 to 6, the event is ${effect} (by check 6 soft failed)`;
}

async function list(codes: readonly CodeInfo[]): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const paint = painter(process.stdout);
  const width = Math.min(widthOf(process.stdout), 130);
  const longest = Math.max(...codes.map(({ code }) => code.length)) + 2;
  const table = new Table({
    ...PLAIN_LINES,
    wordWrap: true,
    colWidths: [longest, 14, Math.max(width - longest - 14, 24)],
  });
  for (const { code, check, kind, effect, summary } of codes) {
    const where = effect ?? (kind === "verdict" ? `check ${check}` : kind);
    table.push([paint("bold", code), paint("dim", where), summary]);
  }
  return `${table.toString().replace(/ +$/gm, "")}\n`;
}
