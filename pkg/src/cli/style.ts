/** How text looks on a terminal: colours, width, and nothing that the text itself could command. */
import util from "node:util";

export type Format = Parameters<typeof util.styleText>[0];
export type Paint = (format: Format, text: string) => string;

/** Colours text if `stream` is a terminal that shows them; `NO_COLOR` and `FORCE_COLOR` have the last word. */
export function painter(stream: NodeJS.WriteStream): Paint {
  // Node before 20.12 lacks styleText: plain text then.
  if (!hasColours(stream) || typeof util.styleText !== "function") return (_format, text) => text;
  // Without `validateStream` newer versions would ask standard output, whichever stream is meant.
  const styleText = util.styleText as (format: Format, text: string, options: object) => string;
  return (format, text) => styleText(format, text, { validateStream: false });
}

function hasColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return stream.isTTY === true && TERM !== "dumb";
}

/** The width of a terminal in columns; of a file or pipe what COLUMNS says, or a comfortable one. */
export function widthOf(stream: NodeJS.WriteStream): number {
  const columns = stream.columns || Number.parseInt(process.env["COLUMNS"] ?? "", 10) || 120;
  return Math.max(columns, 20);
}

/** Control characters, and those that change the direction or order of what is printed. */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udfff]/gu;

/** Text of strangers, safe to print: it cannot move the cursor, change colours or hide itself. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeOf);
}

/** One line of JSON that a terminal can show safely too; it means the same. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(UNPRINTABLE, escapeOf)}\n`;
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** `1 event`, `83 events`, `1,204 events`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
