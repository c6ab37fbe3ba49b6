/** Events by short numbers and in words: an id tells people nothing, and fills half a line. */
import { isObject } from "./event-files.js";
import { contentInWords } from "./state-words.js";

/** The ids in a list of references; those of room versions 1 and 2 stand beside hashes. */
export function referencesIn(event: Record<string, unknown>, field: "auth_events" | "prev_events"): string[] {
  const references = Array.isArray(event[field]) ? event[field] : [];
  const ids = references.map((reference: unknown) => (Array.isArray(reference) ? (reference[0] as unknown) : reference));
  return [...new Set(ids.filter((id) => typeof id === "string"))];
}

/** What is worth knowing about an event; of one that is not at hand, nothing. */
export interface BookEntry {
  type: string;
  stateKey: string;
  sender: string;
  /** When it was made, in milliseconds since 1970. */
  time: number | undefined;
  depth: number | undefined;
  /** The ids in its `auth_events`. */
  cites: string[];
  /** Its content in a few words. */
  content: string;
}

export class EventBook {
  readonly #find: (eventId: string) => unknown;
  readonly #numbers = new Map<string, number>();
  readonly #entries = new Map<string, BookEntry>();

  /** `find` gives an event as `JSON.parse` does. */
  constructor(find: (eventId: string) => unknown) {
    this.#find = find;
  }

  /** `#3`; numbers are given in the order in which events are first named. */
  name(eventId: string): string {
    const number = this.#numbers.get(eventId) ?? this.#numbers.size + 1;
    this.#numbers.set(eventId, number);
    return `#${number}`;
  }

  /** Was it named before? */
  has(eventId: string): boolean {
    return this.#numbers.has(eventId);
  }

  /** The same for the ids in a sentence, as far as they are of events that have been named. */
  named(sentence: string): string {
    return sentence.replace(/\$[^\s,;]+/g, (id) => (this.#numbers.has(id) ? this.name(id) : id));
  }

  entry(eventId: string): BookEntry {
    const known = this.#entries.get(eventId) ?? this.#read(eventId);
    this.#entries.set(eventId, known);
    return known;
  }

  #read(eventId: string): BookEntry {
    const found = this.#find(eventId);
    const event = isObject(found) ? found : {};
    const text = (name: string) => (typeof event[name] === "string" ? event[name] : "");
    const integer = (name: string) => (typeof event[name] === "number" ? event[name] : undefined);
    return {
      type: text("type"),
      stateKey: text("state_key"),
      sender: text("sender"),
      time: integer("origin_server_ts"),
      depth: integer("depth"),
      cites: referencesIn(event, "auth_events"),
      content: contentInWords(text("type"), event["content"]),
    };
  }

  /** The ids of the events that were named, in the order of their numbers. */
  ids(): string[] {
    return [...this.#numbers.keys()];
  }
}
