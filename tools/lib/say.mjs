// What a person sees: one line a step, colours only on a terminal.
export const terminal = Boolean(process.stdout.isTTY) && process.env.NO_COLOR === undefined;

const paint = (code) => (text) => (terminal ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

export function done(name, detail, since) {
  console.log(`${green("✓")} ${name.padEnd(14)} ${detail.padEnd(44)} ${dim(seconds(since).padStart(8))}`);
}

/** Announces a step that takes long, so that silence is not mistaken for a hang. */
export function begin(name, detail) {
  console.log(dim(`· ${name.padEnd(14)} ${detail} …`));
}

/** Something a person can act on: what is missing and how to get it. Printed without a stack. */
export class Trouble extends Error {
  constructor(what, remedy, output = "") {
    super(what);
    this.remedy = remedy;
    this.output = output;
  }
}

export function report({ message, remedy, output }) {
  if (output) console.error(output.trimEnd());
  console.error(`\n${red("✗")} ${bold(message)}`);
  if (remedy) console.error(`  ${remedy.replaceAll("\n", "\n  ")}`);
}

/** Runs a script's main function; a `Trouble` ends it with a readable message and exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    report(error);
    process.exitCode = 1;
  }
}
