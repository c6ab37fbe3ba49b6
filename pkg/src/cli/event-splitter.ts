/**
 * Events out of the documents in which they travel (a list, a transaction, a room file, lines, a single
 * one), each byte for byte as it stands there. The document may come in chunks of any size, and only
 * what has not been taken is held.
 *
 * It finds the events that the reader of the module finds, which judges them itself and gives none away;
 * a document that holds none is for that reader to refuse.
 */

/** An event; of one that is too long to be any, only how long it is. */
export type RawEvent = Uint8Array | { length: number; isTooLong: true };

/** What is longer than this cannot be an event, however much white space there is in it. */
const MOST_BYTES = 16 * 65_536;
const MOST_NAMES = 1000;
/** The IDs of some states, each of a large room. */
const MOST_ARRIVALS = 256 * 1024 * 1024;

const [QUOTE, COMMA, COLON, BACKSLASH, NEWLINE, FORM_FEED] = [0x22, 0x2c, 0x3a, 0x5c, 0x0a, 0x0c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

type Place =
  /** Before a value of the outermost level. */
  | "start"
  /** In the outermost object: before a name, in it, behind it, before a value, in it, behind it. */
  | "name"
  | "in name"
  | "colon"
  | "member"
  | "in member"
  | "after member"
  /** In a list of events: before one, in it, behind it. */
  | "item"
  | "in item"
  | "after item"
  /** Behind all events. */
  | "end"
  | "line";

export class EventSplitter {
  /** The names in the outermost object, as they are written there, without the quotes. */
  readonly names = new Set<string>();
  /** The member `arrivals` of a room file, when it is complete; one that is too long is none. */
  arrivals: string | undefined;
  #place: Place;
  #sawObject = false;
  /** The outermost object has `pdus`. */
  #isRoom = false;
  /** Where in a value we are. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  readonly #name = new Kept();
  readonly #arrivals = new Kept(MOST_ARRIVALS);
  /** The event that is being read: a line, an item, or an outermost object that may be one. */
  readonly #event = new Kept();
  #events: RawEvent[] = [];

  /** With `lines` each line is an event, whatever stands in it. */
  constructor(lines = false) {
    this.#place = lines ? "line" : "start";
  }

  /** The next bytes of the document. */
  push(chunk: Uint8Array): void {
    this.#event.enter(chunk);
    this.#name.enter(chunk);
    this.#arrivals.enter(chunk);
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
    this.#event.leave();
    this.#name.leave();
    this.#arrivals.leave();
  }

  /** No more bytes. */
  end(): void {
    if (this.#place === "line") this.#finishLine(0);
  }

  /** The events that are complete. */
  take(): RawEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Goes on from a byte; answers from which one to go on then. */
  #step(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] as number;
    switch (this.#place) {
      case "line":
        return this.#line(chunk, at);
      case "in name":
      case "in member":
      case "in item":
        return this.#inside(chunk, at);
      case "end":
        return chunk.length;
      default:
        if (!isSpace(byte)) return this.#between(byte, at);
        return at + 1;
    }
  }

  /** Between values. What cannot stand there ends it: the reader of the module says what is wrong. */
  #between(byte: number, at: number): number {
    switch (this.#place) {
      case "start":
        return this.#start(byte, at);
      case "name":
        if (byte === CLOSE_OBJECT) return this.#closeObject(at);
        if (byte !== QUOTE) return this.#stop(at);
        this.#place = "in name";
        this.#name.begin(at);
        return at;
      case "colon":
        this.#place = byte === COLON ? "member" : "end";
        return at + 1;
      case "member":
        return this.#member(byte, at);
      case "after member":
        if (byte === CLOSE_OBJECT) return this.#closeObject(at);
        this.#place = byte === COMMA ? "name" : "end";
        return at + 1;
      case "item":
        if (byte === CLOSE_LIST) return this.#closeList(at);
        if (byte === COMMA || byte === CLOSE_OBJECT || byte === COLON) return this.#stop(at);
        this.#place = "in item";
        this.#event.begin(at);
        return at;
      default: // after item
        if (byte === CLOSE_LIST) return this.#closeList(at);
        this.#place = byte === COMMA ? "item" : "end";
        return at + 1;
    }
  }

  #start(byte: number, at: number): number {
    if (this.#sawObject) {
      // A second value: from here on, each line is an event.
      this.#place = "line";
      return at;
    }
    if (byte === OPEN_OBJECT) {
      this.#sawObject = true;
      this.#place = "name";
      this.#event.begin(at);
    } else {
      this.#place = byte === OPEN_LIST ? "item" : "end";
    }
    return at + 1;
  }

  #stop(at: number): number {
    this.#place = "end";
    return at;
  }

  #member(byte: number, at: number): number {
    if (byte === OPEN_LIST && this.#name.text() === '"pdus"') {
      this.#isRoom = true;
      this.#event.forget();
      this.#place = "item";
      return at + 1;
    }
    if (byte === OPEN_LIST && this.#name.text() === '"arrivals"') this.#arrivals.begin(at);
    this.#place = "in member";
    return at;
  }

  #closeObject(at: number): number {
    if (this.#isRoom) {
      this.#place = "end";
    } else {
      this.#finish(at + 1);
      this.#place = "start";
    }
    return at + 1;
  }

  #closeList(at: number): number {
    this.#place = this.#isRoom ? "after member" : "end";
    return at + 1;
  }

  /** In a value, up to where it ends: by brackets and quotes alone. */
  #inside(chunk: Uint8Array, at: number): number {
    const isName = this.#place === "in name";
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (isName) return this.#finishName(at + 1);
        }
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.#depth += 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte === COMMA) {
        if (this.#depth === 0) return this.#finishValue(at);
        if (byte !== COMMA) this.#depth -= 1;
      }
    }
    return at;
  }

  #finishName(end: number): number {
    this.#name.finish(end);
    const name = this.#name.text().slice(1, -1);
    if (this.names.size < MOST_NAMES) this.names.add(name);
    this.#place = "colon";
    return end;
  }

  #finishValue(end: number): number {
    if (this.#place === "in item") {
      this.#finish(end);
      this.#place = "after item";
    } else {
      if (this.#arrivals.isOpen) {
        this.#arrivals.finish(end);
        this.arrivals = this.#arrivals.text();
      }
      this.#place = "after member";
    }
    return end;
  }

  #line(chunk: Uint8Array, at: number): number {
    if (!this.#event.isOpen) this.#event.begin(at);
    const end = chunk.indexOf(NEWLINE, at);
    if (end < 0) return chunk.length;
    this.#finishLine(end);
    return end + 1;
  }

  #finishLine(end: number): void {
    if (!this.#event.isOpen) return;
    const line = this.#event.finish(end);
    if ("isTooLong" in line || trimmed(line).length > 0) this.#events.push(line);
  }

  #finish(end: number): void {
    const event = this.#event.finish(end);
    this.#events.push("isTooLong" in event ? event : trimmed(event));
  }
}

/** Bytes that may begin in one chunk and end in another. */
class Kept {
  #parts: Uint8Array[] = [];
  #length = 0;
  #chunk: Uint8Array = new Uint8Array();
  /** Where in the chunk they begin; undefined when nothing is kept. */
  #from: number | undefined;
  #finished: RawEvent = new Uint8Array();

  /** What has more bytes than this is not kept. */
  constructor(readonly most = MOST_BYTES) {}

  get isOpen(): boolean {
    return this.#from !== undefined;
  }

  enter(chunk: Uint8Array): void {
    this.#chunk = chunk;
  }

  leave(): void {
    if (this.#from === undefined) return;
    this.#add(this.#chunk.subarray(this.#from));
    this.#from = 0;
    this.#chunk = new Uint8Array();
  }

  begin(at: number): void {
    this.forget();
    this.#from = at;
  }

  finish(end: number): RawEvent {
    this.#add(this.#chunk.subarray(this.#from ?? end, end));
    const length = this.#length;
    const [first = new Uint8Array(), ...others] = this.#parts;
    if (length > this.most) this.#finished = { length, isTooLong: true };
    else this.#finished = others.length === 0 ? first : Buffer.concat(this.#parts);
    this.forget();
    return this.#finished;
  }

  forget(): void {
    this.#parts = [];
    this.#length = 0;
    this.#from = undefined;
  }

  /** What was finished last, as text; of what is too long, nothing. */
  text(): string {
    return "isTooLong" in this.#finished ? "" : new TextDecoder().decode(this.#finished);
  }

  #add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length <= this.most) this.#parts.push(part);
    else this.#parts = [];
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (isSpace(bytes[end - 1] as number) || bytes[end - 1] === FORM_FEED)) end -= 1;
  return bytes.subarray(0, end);
}
