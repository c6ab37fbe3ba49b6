/** Keys of servers from files. */
import type { KeyRing } from "../index.js";
import { readWhole } from "./source.js";
import { painter, printable } from "./style.js";

/**
 * Files do not say when their keys were fetched. Any fixed time, now included, would make the
 * verdict on a stored room depend on the clock; "later than all events" does not.
 */
export const LATE = Number.MAX_SAFE_INTEGER;

/** Adds the keys of a file, and tells which could not be used. */
export async function loadKeys(keys: KeyRing, path: string, fetchedTs = LATE): Promise<void> {
  const taken = keys.addAllServerKeys(await readWhole(path), { fetchedTs });
  warnOfKeys(path, taken);
  if (taken.added.length === 0) warn(`${path}: there is no key response in it that could be used`);
}

/** Tells which keys of a file are not used, and why. */
export function warnOfKeys(path: string, { added, refused }: ReturnType<KeyRing["addAllServerKeys"]>): void {
  for (const { message, code } of refused) warn(`${path}: ${message} (${code})`);
  for (const { server_name, refused: keys } of added) {
    for (const { key_id, reason, code } of keys) {
      warn(`${path}: the key ${key_id} of ${server_name} is not used: ${reason} (${code})`);
    }
  }
}

export function warn(message: string): void {
  process.stderr.write(`${painter(process.stderr)("yellow", "warning:")} ${printable(message)}\n`);
}
