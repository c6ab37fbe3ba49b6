/** Answers that are given again when the same is asked again. */

/** How many answers are remembered, and how many characters of them. */
const MOST = 1000;
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** The answers of late, by a key; the oldest are forgotten first. */
export class Remembered {
  readonly #answers = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<string>>();
  #characters = 0;

  /** The answer under `key`; `make` makes it when there is none. What fails is not remembered. */
  async get(key: string, make: () => Promise<string>): Promise<string> {
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const already = this.#underWay.get(key);
    if (already !== undefined) return already;
    const coming = make();
    this.#underWay.set(key, coming);
    try {
      const made = await coming;
      this.#keep(key, made);
      return made;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #keep(key: string, made: string): void {
    this.#answers.set(key, made);
    this.#characters += made.length;
    for (const [oldest, { length }] of this.#answers) {
      if (this.#answers.size <= MOST && this.#characters <= MOST_CHARACTERS) return;
      this.#answers.delete(oldest);
      this.#characters -= length;
    }
  }
}
