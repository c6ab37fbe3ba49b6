/** Options objects: every value is checked, and a name nobody knows is an error, not a silence. */
import { FedproofError, invalidArgument } from "./errors.js";

type Checks = Readonly<Record<string, (value: unknown, where: string) => unknown>>;
type Checked<C extends Checks> = { -readonly [K in keyof C]: ReturnType<C[K]> | undefined };

/**
 * Reads each option once and checks it. Options that are `undefined` count as not given.
 *
 * @throws FedproofError `invalid_argument` when `options` is no object, `invalid_option` for an
 * unknown name or a value of the wrong kind.
 */
export function readOptions<C extends Checks>(where: string, options: unknown, checks: C): Checked<C> {
  const checked: Record<string, unknown> = {};
  if (options === undefined) return checked as Checked<C>;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument(`the options of ${where}`, "an object", options);
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) {
      const known = Object.keys(checks);
      throw new FedproofError(
        "invalid_option",
        `${where} has no option "${name}"; its options are ${known.join(", ")}`,
        { details: { option: name, known } },
      );
    }
    if (value === undefined) continue;
    try {
      checked[name] = check(value, `the option "${name}" of ${where}`);
    } catch (thrown) {
      if (!(thrown instanceof FedproofError) || thrown.code !== "invalid_argument") throw thrown;
      throw new FedproofError("invalid_option", thrown.message, {
        details: { option: name, ...thrown.details },
      });
    }
  }
  return checked as Checked<C>;
}

/** The value of an option that must be given. */
export function required<T>(value: T | undefined, where: string, name: string, what: string): T {
  if (value !== undefined) return value;
  throw new FedproofError("invalid_option", `${where} needs the option "${name}": ${what}`, {
    details: { option: name, expected: what, found: "undefined" },
  });
}

/** A boolean option. */
export function toBoolean(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw invalidArgument(where, "true or false", value);
  return value;
}

/** An option that is one of a few words. */
export function oneOf<const W extends string>(...words: readonly W[]) {
  return (value: unknown, where: string): W => {
    if (!words.includes(value as W)) {
      throw invalidArgument(where, words.map((word) => `"${word}"`).join(" or "), value);
    }
    return value as W;
  };
}
