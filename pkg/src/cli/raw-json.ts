/**
 * Cuts JSON text apart by its brackets and quotes alone: what is cut out stays byte for byte as it
 * came. `JSON.parse` would lose what events must be judged by: `1.0`, `-0`, integers beyond 2^53, a
 * second key of the same name. What is no JSON at all is cut out as well, for the one who judges it.
 */
import { UsageError } from "./usage.js";

/** What a text is, one level deep. */
export type Cut =
  /** Of a name that stands twice, the last counts. */
  | { kind: "object"; members: ReadonlyMap<string, Uint8Array> }
  | { kind: "array"; items: readonly Uint8Array[] }
  /** A string, a number, or a word. */
  | { kind: "scalar" };

const [TAB, NEWLINE, RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Cuts one document into its members or items; `name` is for messages.
 *
 * @throws UsageError `input_unreadable` when brackets, quotes, commas and colons do not make one.
 */
export function cut(text: Uint8Array, name: string): Cut {
  const cutter = new Cutter(text, name);
  const found = cutter.document();
  cutter.end();
  return found;
}

/** The documents that stand one behind the other in a text, as the lines of NDJSON do. */
export function cutAll(text: Uint8Array, name: string): Uint8Array[] {
  const cutter = new Cutter(text, name);
  const documents: Uint8Array[] = [];
  while (!cutter.isAtEnd()) documents.push(cutter.value());
  return documents;
}

class Cutter {
  #at = 0;

  constructor(
    readonly text: Uint8Array,
    readonly name: string,
  ) {}

  document(): Cut {
    this.isAtEnd();
    switch (this.text[this.#at]) {
      case OPEN_OBJECT:
        return { kind: "object", members: this.#members() };
      case OPEN_LIST:
        return { kind: "array", items: this.#items() };
      default:
        this.value();
        return { kind: "scalar" };
    }
  }

  end(): void {
    if (!this.isAtEnd()) throw this.#unreadable("something follows where it should end");
  }

  /** Passes over white space. */
  isAtEnd(): boolean {
    while (isSpace(this.text[this.#at])) this.#at += 1;
    return this.#at >= this.text.length;
  }

  /** The next value, as it stands in the text. */
  value(): Uint8Array {
    this.isAtEnd();
    const start = this.#at;
    const first = this.text[start];
    if (first === QUOTE) this.#string();
    else if (first === OPEN_OBJECT || first === OPEN_LIST) this.#brackets();
    else this.#scalar();
    return this.text.subarray(start, this.#at);
  }

  #members(): Map<string, Uint8Array> {
    const members = new Map<string, Uint8Array>();
    this.#list(CLOSE_OBJECT, () => {
      if (this.text[this.#at] !== QUOTE) throw this.#unreadable("a name in quotes is missing");
      const name = nameOf(this.value());
      this.isAtEnd();
      if (this.text[this.#at] !== COLON) throw this.#unreadable("a colon is missing");
      this.#at += 1;
      members.set(name, this.value());
    });
    return members;
  }

  #items(): Uint8Array[] {
    const items: Uint8Array[] = [];
    this.#list(CLOSE_LIST, () => items.push(this.value()));
    return items;
  }

  /** What stands between commas, up to the closing bracket. */
  #list(close: number, entry: () => void): void {
    const start = this.#at;
    this.#at += 1;
    this.isAtEnd();
    if (this.text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      if (this.isAtEnd()) throw this.#unreadable("a bracket is not closed", start);
      entry();
      if (this.isAtEnd()) throw this.#unreadable("a bracket is not closed", start);
      const next = this.text[this.#at];
      if (next !== COMMA && next !== close) throw this.#unreadable("a comma or a closing bracket is missing");
      this.#at += 1;
      if (next === close) return;
      this.isAtEnd();
    }
  }

  /** To behind the bracket that closes this one; no recursion, however deep they stand. */
  #brackets(): void {
    const start = this.#at;
    const open: number[] = [];
    do {
      const byte = this.text[this.#at];
      if (byte === undefined) throw this.#unreadable("a bracket is not closed", start);
      if (byte === QUOTE) {
        this.#string();
        continue;
      }
      if (byte === OPEN_OBJECT) open.push(CLOSE_OBJECT);
      else if (byte === OPEN_LIST) open.push(CLOSE_LIST);
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && open.pop() !== byte) {
        throw this.#unreadable("a bracket closes one of the other kind");
      }
      this.#at += 1;
    } while (open.length > 0);
  }

  /** To behind the quote that ends the string: one with an even number of backslashes before it. */
  #string(): void {
    const start = this.#at;
    for (let quote = start; ; ) {
      quote = this.text.indexOf(QUOTE, quote + 1);
      if (quote < 0) throw this.#unreadable("a quote is not closed", start);
      let before = quote - 1;
      while (this.text[before] === BACKSLASH) before -= 1;
      if ((quote - before) % 2 === 1) {
        this.#at = quote + 1;
        return;
      }
    }
  }

  #scalar(): void {
    const start = this.#at;
    while (!endsScalar(this.text[this.#at])) this.#at += 1;
    if (this.#at === start) throw this.#unreadable("a value is missing");
  }

  #unreadable(what: string, at = this.#at): UsageError {
    let line = 1;
    for (let end = this.text.indexOf(NEWLINE); end >= 0 && end < at; end = this.text.indexOf(NEWLINE, end + 1)) {
      line += 1;
    }
    return new UsageError(`${this.name} is not JSON: ${what} (line ${line}, byte ${at})`, {
      code: "input_unreadable",
    });
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}

function endsScalar(byte: number | undefined): boolean {
  return (
    byte === undefined ||
    isSpace(byte) ||
    byte === COMMA ||
    byte === COLON ||
    byte === QUOTE ||
    byte === OPEN_LIST ||
    byte === CLOSE_LIST ||
    byte === OPEN_OBJECT ||
    byte === CLOSE_OBJECT
  );
}

/** The name behind its escapes; one that is no JSON string is nobody's name, and stays as it is. */
function nameOf(quoted: Uint8Array): string {
  const text = new TextDecoder().decode(quoted);
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}
