/** Options of the commands that talk to other servers. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { add } from "../arguments.js";

/** How other servers are reached. */
export interface NetworkFlags {
  allowAddress?: string[];
  ca?: string;
  insecure?: boolean;
  dns?: string[];
  timeout?: number;
  json?: boolean;
}

/** As whom we speak. */
export interface IdentityFlags {
  key?: string;
  serverName?: string;
}

/** Adds the options of {@link NetworkFlags}, under a heading of their own in the help. */
export function withNetwork(command: Command): Command {
  const options = [
    new Option("--timeout <seconds>", "give up after so long; otherwise each request has a limit of its own").argParser(milliseconds),
    new Option("--dns <address>", "ask this DNS server (192.0.2.53, 127.0.0.1:5353); repeatable").argParser(add),
    new Option("--ca <file>", "trust these authorities (PEM) and no others"),
    new Option("--allow-address <cidr>", "connect to these private addresses, too (10.0.0.0/8, ::1); repeatable").argParser(add),
    new Option("--insecure", "take any certificate: then nobody knows who answers"),
  ];
  for (const option of options) command.addOption(option.helpGroup("Network:"));
  return command;
}

/** Adds the options of {@link IdentityFlags}. */
export function withIdentity(command: Command, purpose: string): Command {
  return command
    .option("-k, --key <file>", `the signing key of our server, ${purpose} (ed25519 NAME SEED)`)
    .option("-s, --server-name <name>", "the name of our server");
}

/** A number of things, from 1 on. */
export function count(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= 1 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000000.");
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (/^[0-9]+(\.[0-9]+)?$/.test(text) && value > 0 && value <= 86_400) return Math.ceil(value * 1000);
  throw new InvalidArgumentError("It must be a number of seconds, above 0 and up to 86400.");
}
