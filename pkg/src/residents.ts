/**
 * Which ring inside the module belongs to which KeyRing. Kept apart from the class, so that the
 * types people compile against know nothing of the module behind it.
 */
import type { KeyReport, KeyRing } from "./keys.js";
import type { Resident } from "./wasm.js";
import type { KeyRing as WasmKeyRing } from "./wasm/fedproof.js";

/** A key response that a conversation has verified and put into a ring. */
export interface FetchedKeys {
  /** As it came. */
  document: string;
  /** When it was fetched (ms). */
  fetched_ts: number;
  /** A notary passed it on. */
  passed_on: boolean;
  report: KeyReport;
}

const residents = new WeakMap<KeyRing, Resident<WasmKeyRing>>();
const memories = new WeakMap<KeyRing, (fetched: FetchedKeys) => void>();

/** Called once for each ring, when it is made. */
export function settle(
  keys: KeyRing,
  resident: Resident<WasmKeyRing>,
  remember: (fetched: FetchedKeys) => void,
): void {
  residents.set(keys, resident);
  memories.set(keys, remember);
}

/** Lets a ring remember what entered it inside the module, for the day when the module is replaced. */
export function remember(keys: KeyRing, fetched: FetchedKeys): void {
  memories.get(keys)?.(fetched);
}

/** The ring inside the module. */
export function residentOf(keys: KeyRing): Resident<WasmKeyRing> {
  return residents.get(keys) as Resident<WasmKeyRing>; // a KeyRing settles its own when it is made
}
