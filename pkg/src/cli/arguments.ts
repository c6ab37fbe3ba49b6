/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, Option } from "commander";
import { roomVersions } from "../index.js";

/** `--room-version`, of a version that there is. */
export function roomVersionOption(description: string): Option {
  return new Option("-r, --room-version <version>", description).argParser(knownVersion);
}

/** For options that can be given again and again. */
export function add(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

export function milliseconds(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It must be a whole number of milliseconds since 1970.");
}

function knownVersion(text: string): string {
  const known = roomVersions().map(({ version }) => version);
  if (known.includes(text)) return text;
  throw new InvalidArgumentError(`Known room versions are ${known.join(", ")}.`);
}
