/** What a person may want to do about a file, seen from its verdicts. */
import type { Verdict } from "../index.js";
import { decisiveCheck } from "./outcome.js";
import { printable } from "./style.js";

/** Fields that events have over federation, and not as clients see them. */
const FEDERATION_ONLY = ["auth_events", "prev_events", "depth", "hashes", "signatures"];
const SHOWN = 5;

/** Looks at verdicts as they pass. */
export class Hints {
  readonly #servers = new Set<string>();
  #clientFormat = 0;
  #ownId = 0;
  #events = 0;

  take(verdict: Verdict): void {
    this.#events += 1;
    const check = decisiveCheck(verdict);
    const field = String(check?.evidence?.["field"]);
    if (check?.code === "field_missing" && FEDERATION_ONLY.includes(field)) this.#clientFormat += 1;
    if (check?.code === "event_id_present") this.#ownId += 1;
    if (check?.code === "signature_key_missing" && this.#servers.size < 1000) {
      for (const key of check.missing ?? []) this.#servers.add(key.split(" ")[0] ?? key);
    }
  }

  texts(): string[] {
    const texts: string[] = [];
    if (this.#events > 0 && this.#clientFormat === this.#events) {
      texts.push(
        "These look like events as clients see them (“view source”): hashes and signatures are taken out " +
          "there, so nothing in them can be verified. Ask a server for them over federation.",
      );
    }
    if (this.#events > 0 && this.#ownId === this.#events) {
      texts.push(
        "They all say their own id. Over federation only events of room versions 1 and 2 do: is the room version " +
          "right? Events as clients see them (“view source”) have one too, but no hashes and signatures to verify.",
      );
    }
    if (this.#servers.size > 0) {
      const names = [...this.#servers].slice(0, SHOWN).map(printable).join(", ");
      const more = this.#servers.size > SHOWN ? ` and ${this.#servers.size - SHOWN} more` : "";
      texts.push(
        `Keys are missing of ${names}${more}. A server gives its keys at /_matrix/key/v2/server, and a notary ` +
          "those of others; pass the answers with --keys.",
      );
    }
    return texts;
  }
}
