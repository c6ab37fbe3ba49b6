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

async function explain({ code, check, kind, effect, summary, spec }: CodeInfo): Promise<string> {
  const { default: wrap } = await import("wrap-ansi");
  const paint = painter(process.stdout);
  const subject = check === null ? "server" : "event";
  const origins = {
    verdict: check === null ? "a server ACL" : `check ${check}`,
    flag: "a flag of verdicts",
    error: "an error",
  };
  const about = [origins[kind], ...(effect ? [`the ${subject} is ${effect}`] : [])].join(", ");
  const lines = [`${paint("bold", code)}  ${paint("dim", about)}`, summary];
  const text = wrap(lines.join("\n"), Math.min(widthOf(process.stdout), 100), { trim: false });
  // Outside the wrapping: a link must stay on one line to be one.
  return `${text}\n${paint("dim", spec)}\n`;
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
