/** What this package throws: one class, told apart by a stable code. */

/** Matrix error codes for those failures that have one, for answers to other servers. */
const ERRCODES: Readonly<Record<string, string>> = {
  unknown_room_version: "M_UNSUPPORTED_ROOM_VERSION",
  json_syntax: "M_NOT_JSON",
  json_invalid_utf8: "M_NOT_JSON",
  json_lone_surrogate: "M_NOT_JSON",
  json_control_character: "M_NOT_JSON",
  json_trailing_data: "M_NOT_JSON",
  json_number_overflow: "M_BAD_JSON",
  json_too_deep: "M_BAD_JSON",
  not_an_object: "M_BAD_JSON",
  number_not_integer: "M_BAD_JSON",
  integer_out_of_range: "M_BAD_JSON",
  event_too_large: "M_TOO_LARGE",
  server_name_invalid: "M_INVALID_PARAM",
  key_id_invalid: "M_INVALID_PARAM",
};

/** The parts of a {@link FedproofError} beside its code and message. */
export interface FedproofErrorInit {
  /** The values compared, the path, what was expected and found. */
  details?: Record<string, unknown> | undefined;
  /** Link to the section of the specification that decides, where there is one. */
  docs?: string | undefined;
  /** The error this one stands for. */
  cause?: unknown;
}

/**
 * The only error this package throws on purpose. Tell failures apart by {@link code}, which is
 * stable; the message is for people and may get better. (`instanceof` fails across two copies of
 * the package, the code does not.)
 *
 * Errors are for misuse and for input that is no answer at all. What is wrong with an event is
 * not an error but a verdict: see `Verdict`.
 *
 * @example
 * try {
 *   canonicalJson('{"a":1.5}');
 * } catch (error) {
 *   if (error.code === "number_not_integer") console.log(error.message, error.docs);
 * }
 */
export class FedproofError extends Error {
  /** What went wrong, snake_case, stable. `verdictCodes()` lists all of them. */
  readonly code: string;
  /** The values behind the message; which ones depends on the code. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The Matrix error code for the same failure (`M_BAD_JSON`, …), where one exists. */
  readonly errcode: string | undefined;
  /** Link to the section of the specification that decides, where there is one. */
  readonly docs: string | undefined;

  constructor(code: string, message: string, { details = {}, docs, cause }: FedproofErrorInit = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    this.errcode = ERRCODES[code];
    this.docs = docs;
  }

  /** What `JSON.stringify` shows; without the stack. */
  toJSON(): Record<string, unknown> {
    const { code, message, errcode, docs, details } = this;
    return { code, message, errcode, docs, details };
  }
}

// On the prototype, as for built-in errors: `name` then stays out of logs of own properties.
Object.defineProperty(FedproofError.prototype, "name", {
  value: "FedproofError",
  configurable: true,
  writable: true,
});

/** An argument is not what the function takes. */
export function invalidArgument(
  where: string,
  expected: string,
  value: unknown,
  hint = "",
): FedproofError {
  const found = kindOf(value);
  return new FedproofError(
    "invalid_argument",
    `${where} must be ${expected}; found ${found}${hint && `. ${hint}`}`,
    { details: { argument: where, expected, found } },
  );
}

/** Names the kind of a value for a message: `an ArrayBuffer`, `null`, `the number 5`. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "number":
      return `the number ${Object.is(value, -0) ? "-0" : value}`;
    case "boolean":
      return `the boolean ${value}`;
    case "string":
      return value.length > 40 ? "a string" : `the string ${JSON.stringify(value)}`;
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return "an array";
      return withArticle(constructorName(value));
    case "bigint":
      return "a BigInt";
    default:
      return `a ${typeof value}`;
  }
}

/** The name of the class of an object, read without running any code of the object. */
export function constructorName(value: object): string {
  try {
    const prototype: object | null = Object.getPrototypeOf(value);
    const constructor =
      prototype && Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
    const name =
      typeof constructor === "function" &&
      Object.getOwnPropertyDescriptor(constructor, "name")?.value;
    return typeof name === "string" && name !== "" ? name : "Object";
  } catch {
    return "Object";
  }
}

function withArticle(name: string): string {
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}
