/** `fedproof demo` */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { print } from "./output.js";
import { type Finish, OK } from "./program.js";
import { painter } from "./style.js";
import { UsageError } from "./usage.js";
import { verifyFile } from "./verify.js";

const HELP = `
The samples are a room of a real homeserver, and events of that room that were broken on purpose.
The exit code is 0: the broken events are meant to fail.`;

export function demoCommand(finish: Finish): Command {
  return new Command("demo")
    .summary("show what verification looks like, on bundled samples")
    .description("Verifies a bundled real room, then events of it that were broken on purpose.")
    .addHelpText("after", HELP)
    .action(async () => {
      const room = sample("room-v11.json");
      const broken = sample("broken.ndjson");
      await announce("A room as its servers sent it", `verify ${room}`);
      await verifyFile(room, {});
      await announce("Events of that room, broken on purpose", `verify ${broken} --keys ${room} --room-version 11`);
      await verifyFile(broken, { keys: [room], roomVersion: "11" });
      finish(OK);
    });
}

async function announce(title: string, command: string): Promise<void> {
  const paint = painter(process.stdout);
  await print(`\n${paint("bold", title)}\n${paint("dim", `$ fedproof ${command}`)}\n`);
}

/** A file of the package, named as one would name it from here. */
function sample(name: string): string {
  const path = fileURLToPath(new URL(`../../../samples/${name}`, import.meta.url));
  if (!existsSync(path)) {
    throw new UsageError(`the sample ${name} is not part of this copy of fedproof`, { code: "input_unreadable" });
  }
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}
