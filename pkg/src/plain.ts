/**
 * Objects as a guarded convenience: plain data becomes JSON text, everything else is refused.
 *
 * `JSON.stringify` is not used, because it is silent where we must not be: it drops `undefined`,
 * turns NaN into null, a Date into a string and a Map into `{}`, runs getters and `toJSON`, and
 * overflows the stack on deep nesting. This walk keeps its own stack and runs no code of the
 * object's author (a Proxy can still run its traps; what they throw is turned into our error).
 */
import { constructorName, FedproofError, kindOf } from "./errors.js";

const SPEC = "https://spec.matrix.org/v1.19/appendices/#canonical-json";

/** Engines limit strings to about 2^29 characters; stop before that with an error of our own. */
const MAX_LENGTH = 2 ** 28;

interface Frame {
  readonly container: object;
  /** The keys still to write; undefined for an array. */
  readonly keys: readonly string[] | undefined;
  readonly length: number;
  next: number;
}

/**
 * The JSON text of plain data: strings, booleans, null, safe integers, arrays without holes, and
 * objects with own, enumerable, string-named data properties. Key order is kept.
 *
 * @throws FedproofError `lossy_object`, with the path of the first value that text cannot hold.
 */
export function plainToJson(root: object): string {
  try {
    return walk(root);
  } catch (thrown) {
    if (thrown instanceof FedproofError) throw thrown;
    throw new FedproofError("lossy_object", "the object could not be read: one of its traps threw", {
      details: { path: "" },
      docs: SPEC,
      cause: thrown,
    });
  }
}

function walk(root: object): string {
  const stack: Frame[] = [];
  const open = new Set<object>(); // the containers around the current value: a cycle meets itself
  let text = "";

  const refuse = (found: string, why = "which JSON text cannot hold without loss"): never => {
    const path = pathOf(stack);
    throw new FedproofError(
      "lossy_object",
      `the object has ${found}${path && ` at ${path}`}, ${why}; pass JSON text or bytes instead`,
      { details: { path, found }, docs: SPEC },
    );
  };
  const enter = (container: object): void => {
    if (open.has(container)) refuse("a cycle", "which has no end");
    open.add(container);
    if (Array.isArray(container)) {
      checkArray(container, refuse);
      stack.push({ container, keys: undefined, length: container.length, next: 0 });
      text += "[";
    } else {
      const keys = checkObject(container, refuse);
      stack.push({ container, keys, length: keys.length, next: 0 });
      text += "{";
    }
  };

  enter(root);
  while (stack.length > 0) {
    const frame = stack[stack.length - 1] as Frame;
    if (frame.next === frame.length) {
      text += frame.keys ? "}" : "]";
      open.delete(frame.container);
      stack.pop();
      continue;
    }
    if (frame.next > 0) text += ",";
    const key = frame.keys ? (frame.keys[frame.next] as string) : frame.next;
    frame.next += 1;
    if (typeof key === "string") {
      if (!isWellFormed(key)) refuse("a key with a lone surrogate");
      text += `${JSON.stringify(key)}:`;
    }
    const property = Object.getOwnPropertyDescriptor(frame.container, key);
    if (!property) refuse("a property that vanished while it was read");
    else if (!("value" in property)) refuse("a getter");
    else if (typeof property.value === "object" && property.value !== null) enter(property.value);
    else text += primitive(property.value, refuse);
    if (text.length > MAX_LENGTH) refuse("more data than one text can hold", "so it must come in parts");
  }
  return text;
}

function primitive(value: unknown, refuse: (found: string) => never): string {
  switch (typeof value) {
    case "string":
      return isWellFormed(value) ? JSON.stringify(value) : refuse("a string with a lone surrogate");
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isSafeInteger(value)) refuse(kindOf(value));
      return Object.is(value, -0) ? "-0" : String(value);
    case "object":
      return "null";
    default:
      return refuse(kindOf(value));
  }
}

function checkArray(array: readonly unknown[], refuse: (found: string) => never): void {
  // Array.prototype is itself an array (of whichever realm); the prototype of a subclass is not.
  if (!Array.isArray(Object.getPrototypeOf(array))) refuse(kindOfInstance(array));
  const names = Reflect.ownKeys(array).length - 1; // all but "length"
  if (names < array.length) refuse("an array with holes");
  if (names > array.length) refuse("an array with named properties");
}

function checkObject(object: object, refuse: (found: string) => never): string[] {
  const prototype: object | null = Object.getPrototypeOf(object);
  // The last test knows Object.prototype of another realm (an iframe, a test runner's context).
  const plain =
    prototype === null ||
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"));
  if (!plain) refuse(kindOfInstance(object));
  const keys = Object.keys(object);
  const all = Reflect.ownKeys(object);
  if (all.length > keys.length) {
    const symbol = all.some((key) => typeof key === "symbol");
    refuse(symbol ? "a property named by a symbol" : "a property that is not enumerable");
  }
  return keys;
}

function kindOfInstance(object: object): string {
  return `an instance of ${constructorName(object)}`;
}

/** `content.users["@a:x"][0]`: where the walk stands. */
function pathOf(stack: readonly Frame[]): string {
  let path = "";
  for (const { keys, next } of stack) {
    if (next === 0) continue; // the container itself is at fault, not one of its values
    const key = keys ? (keys[next - 1] as string) : next - 1;
    if (typeof key === "number") path += `[${key}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) path += path ? `.${key}` : key;
    else path += `[${JSON.stringify(key)}]`;
    if (path.length > 300) return `${path.slice(0, 300)}…`;
  }
  return path;
}

/** `String.prototype.isWellFormed`, which TypeScript knows from ES2024 on and all supported engines have. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
