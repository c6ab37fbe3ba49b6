// Rooms of our own: their events are signed, have real ids, and cite what they must.
import { authTypesForEvent, eventId, signEvent } from "fedproof";
import { NOW } from "./world.mjs";

const serverOf = (user) => user.slice(user.indexOf(":") + 1);

/** A room that its creator has just joined. `servers` must hold every server whose users act. */
export class TestRoom {
  /** The current state: the text of the event by type and state key. */
  #state = new Map();
  /** Every event that was added, by its id. */
  #events = new Map();
  #servers;
  #last = [];
  #depth = 0;

  constructor(servers, { version = "11", creator = `@alice:${servers[0].name}`, create = {} } = {}) {
    this.#servers = new Map(servers.map((server) => [server.name, server]));
    this.version = version;
    this.creator = creator;
    this.namesItsCreate = Number(version) >= 12;
    this.id = `!room:${serverOf(creator)}`;
    const field = Number(version) < 11 ? { creator } : {};
    this.add("m.room.create", creator, { room_version: version, ...field, ...create }, { state_key: "" });
    this.create = this.get("m.room.create");
    if (this.namesItsCreate) this.id = this.idOf(this.create).replace("$", "!");
    this.member(creator, "join");
  }

  /** Makes an event as its sender's server would, here and now, and does not add it. */
  make(type, sender, content, { also = [], signers = [serverOf(sender)], ...more } = {}) {
    const isCreate = type === "m.room.create";
    const event = {
      type,
      sender,
      ...(isCreate && this.namesItsCreate ? {} : { room_id: this.id }),
      content,
      origin_server_ts: NOW + this.#depth * 1000,
      depth: this.#depth + 1,
      prev_events: this.#last,
      ...more,
    };
    event.auth_events ??= [...this.cited(event), ...also];
    return signers.reduce((signed, name) => {
      const { key } = this.#servers.get(name);
      return signEvent(signed, { serverName: name, key, roomVersion: this.version });
    }, event);
  }

  /** Makes an event, and it becomes part of the room. */
  add(type, sender, content, more) {
    const text = this.make(type, sender, content, more);
    const { state_key } = JSON.parse(text);
    this.#depth += 1;
    this.#last = [this.idOf(text)];
    this.#events.set(this.idOf(text), text);
    if (state_key !== undefined) this.#state.set(`${type} ${state_key}`, text);
    return text;
  }

  /** A membership; of the sender, unless it is another's. */
  member(sender, membership, { of = sender, content = {}, ...more } = {}) {
    return this.add("m.room.member", sender, { membership, ...content }, { state_key: of, ...more });
  }

  /** The same, not added. */
  makeMember(sender, membership, { of = sender, content = {}, ...more } = {}) {
    return this.make("m.room.member", sender, { membership, ...content }, { state_key: of, ...more });
  }

  /** Power levels by the room's creator, or who is named. */
  powerLevels(content, sender = this.creator) {
    return this.add("m.room.power_levels", sender, content, { state_key: "" });
  }

  joinRule(join_rule, more = {}) {
    return this.add("m.room.join_rules", this.creator, { join_rule, ...more }, { state_key: "" });
  }

  /** An event of the current state. */
  get(type, stateKey = "") {
    return this.#state.get(`${type} ${stateKey}`);
  }

  idOf(text) {
    return eventId(text, this.version);
  }

  /** The ids that an event must cite now. */
  cited(event) {
    const selected = authTypesForEvent(event, this.version).map(([type, key]) => this.get(type, key));
    return selected.filter(Boolean).map((text) => this.idOf(text));
  }

  /** The current state, as texts. */
  get state() {
    return [...this.#state.values()];
  }

  /** Every event of the room, as texts. */
  get events() {
    return [...this.#events.values()];
  }

  /** What an event needs to be judged, for `checkAuth`. */
  around(event, more = {}) {
    const cites = new Set(JSON.parse(event).auth_events);
    return {
      roomVersion: this.version,
      authEvents: this.events.filter((text) => cites.has(this.idOf(text))),
      state: this.state,
      ...(this.namesItsCreate ? { createEvent: this.create } : {}),
      ...more,
    };
  }
}
