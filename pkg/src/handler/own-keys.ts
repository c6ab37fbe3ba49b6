/** Our own key response, signed now and then. */
import { type OldKey, publishedKeys } from "../published-keys.js";
import type { SigningKey } from "../signing.js";

/** For how long others may take the keys for ours without asking again: a day, as with Synapse. */
const VALID_MS = 24 * 60 * 60 * 1000;

export class OwnKeys {
  #answer = "";
  #validUntil = 0;

  /** @throws FedproofError as `publishedKeys`. */
  constructor(
    readonly serverName: string,
    readonly keys: readonly SigningKey[],
    readonly oldKeys: readonly OldKey[],
    now: number,
  ) {
    this.#sign(now);
  }

  /** The answer: the same for half a day, and always good for another half. */
  answer(now: number): string {
    const left = this.#validUntil - now;
    // A clock that was set back must not leave an answer from the future standing.
    if (left < VALID_MS / 2 || left > VALID_MS) this.#sign(now);
    return this.#answer;
  }

  #sign(now: number): void {
    const { serverName, keys, oldKeys } = this;
    this.#validUntil = now + VALID_MS;
    this.#answer = publishedKeys({ serverName, keys, oldKeys, validUntilTs: this.#validUntil });
  }
}
