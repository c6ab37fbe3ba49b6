/** Something the person at the keyboard can mend: a wrong option, a file that cannot be read. */
export class UsageError extends Error {
  readonly code: string;
  /** A line or two on what to do about it. */
  readonly hint: string;

  constructor(message: string, { hint = "", code = "usage" } = {}) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
