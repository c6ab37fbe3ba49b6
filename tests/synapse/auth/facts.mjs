// What a row of the table of differences may look at.

/** One question: a case, one of its two checks, and both answers. */
export class Facts {
  constructor(row, number, check, verdict) {
    this.version = Number(row.room_version);
    this.event = JSON.parse(row.event);
    this.content = this.event.content;
    this.synapse = row.synapse[`check${number}`];
    this.check = check;
    this.flags = verdict.flags;
    this.fedproofAllows = check.result === "pass";
    this.synapseAllows = this.synapse.answer === "allow";
    // The state that this check reads: check 4 the auth events, check 5 the state before the event.
    const texts = number === 4 ? [row.create_event, ...row.auth_events] : row.state;
    this.state = new Map();
    for (const event of texts.filter(Boolean).map((text) => JSON.parse(text)))
      if (typeof event.state_key === "string") this.state.set(`${event.type} ${event.state_key}`, event);
    this.create = this.state.get("m.room.create ");
    this.levels = this.state.get("m.room.power_levels ")?.content;
  }

  /** fedproof rejects, with one of these codes, what Synapse allows. */
  onlyFedproofRejects(...codes) {
    return this.synapseAllows && this.check.result === "fail" && codes.includes(this.check.code);
  }

  /** Synapse rejects or drops, with these words, what fedproof allows. */
  onlySynapseRejects(words) {
    return this.fedproofAllows && !this.synapseAllows && words.test(this.synapse.why);
  }

  get isMember() {
    return this.event.type === "m.room.member";
  }

  get isLevels() {
    return this.event.type === "m.room.power_levels";
  }

  /** Does the event itself have this value for a level? */
  isOwnLevel(value) {
    const values = Object.values(this.content).flatMap((level) => (isObject(level) ? Object.values(level) : [level]));
    return this.isLevels && values.includes(value);
  }

  /** The value that fedproof names as unreadable. */
  get unreadable() {
    try {
      return JSON.parse(this.check.evidence?.value);
    } catch {
      return undefined;
    }
  }
}

/** What stands behind the first colon. */
export const serverOf = (id) => id.slice(id.indexOf(":") + 1);

/** A user ID of the servers that the cases are about. */
export const isUserId = (text) => typeof text === "string" && /^@[^:\0]*:(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?$/i.test(text);

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Does the specification take this for a level in this room version? */
export function specReads(value, version) {
  if (typeof value === "number") return version < 6 || Number.isInteger(value);
  return version < 10 && typeof value === "string" && /^[ \t\n\f\r]*[+-]?[0-9]+[ \t\n\f\r]*$/.test(value);
}

/** Does Python's int()? */
export function pythonReads(value) {
  if (typeof value === "number" || typeof value === "boolean") return true;
  return typeof value === "string" && PYTHON_INTEGER.test(value);
}

const PYTHON_SPACE = "[\\t-\\r \\x85\\p{Zs}\\u2028\\u2029]*";
const PYTHON_INTEGER = new RegExp(`^${PYTHON_SPACE}[+-]?\\p{Nd}+(_\\p{Nd}+)*${PYTHON_SPACE}$`, "u");
