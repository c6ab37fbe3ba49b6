/**
 * Which ring inside the module belongs to which KeyRing. Kept apart from the class, so that the
 * types people compile against know nothing of the module behind it.
 */
import type { KeyRing } from "./keys.js";
import type { Resident } from "./wasm.js";
import type { KeyRing as WasmKeyRing } from "./wasm/fedproof.js";

const residents = new WeakMap<KeyRing, Resident<WasmKeyRing>>();

/** Called once for each ring, when it is made. */
export function settle(keys: KeyRing, resident: Resident<WasmKeyRing>): void {
  residents.set(keys, resident);
}

/** The ring inside the module. */
export function residentOf(keys: KeyRing): Resident<WasmKeyRing> {
  return residents.get(keys) as Resident<WasmKeyRing>; // a KeyRing settles its own when it is made
}
