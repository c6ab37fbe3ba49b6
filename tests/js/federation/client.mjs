// The client-server API, as far as tests of federation need it.
const PAUSE_MS = 50;
const WAIT_SECONDS = 30;

/** Synapse refused a client's request; `errcode` and `status` say how. */
export class ApiError extends Error {
  constructor(request, { status, text }) {
    super(`${request}: ${status} ${text.slice(0, 300)}`);
    this.name = "ApiError";
    this.status = status;
    this.errcode = /"errcode":\s*"(\w+)"/.exec(text)?.[1];
  }
}

/** Asks until the answer is true, and gives it; federation has no other way to say "it has arrived". */
export async function eventually(what, condition) {
  const deadline = performance.now() + WAIT_SECONDS * 1000;
  do {
    const found = await condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  } while (performance.now() < deadline);
  throw new Error(`waited ${WAIT_SECONDS} s in vain: ${what}`);
}

/** A JSON request to a homeserver, by the client-server API or Synapse's admin API. */
export async function call(server, method, path, { body, token } = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await server.send({ method, path, headers, body: body && JSON.stringify(body) });
  if (answer.status !== 200) throw new ApiError(`${method} ${path}`, answer);
  return answer.json();
}

/** One user of one homeserver. Methods are named after what the user does. */
export class User {
  #server;
  #token;
  #since;
  #sent = 0;

  constructor(server, { user_id, access_token }) {
    this.#server = server;
    this.#token = access_token;
    this.id = user_id;
  }

  /** Any request of the client-server API: `path` is what follows `/_matrix/client/v3/`. */
  call(method, path, body) {
    return this.request(method, `/_matrix/client/v3/${path}`, body);
  }

  /** Any request with the user's token. */
  request(method, path, body) {
    return call(this.#server, method, path, { body, token: this.#token });
  }

  /**
   * Creates a room and gives its id. `version` is its room version; all else is of the API: `preset`, `invite`,
   * `initial_state`, `power_level_content_override`, `creation_content`, …
   */
  async createRoom({ version, ...options } = {}) {
    return (await this.call("POST", "createRoom", { room_version: version, ...options })).room_id;
  }

  invite(room, userId) {
    return this.#act(room, "invite", { user_id: userId });
  }

  kick(room, userId) {
    return this.#act(room, "kick", { user_id: userId });
  }

  ban(room, userId) {
    return this.#act(room, "ban", { user_id: userId });
  }

  unban(room, userId) {
    return this.#act(room, "unban", { user_id: userId });
  }

  leave(room) {
    return this.#act(room, "leave", {});
  }

  /** Joins by room id or alias; `via` are the servers to ask. */
  join(room, ...via) {
    return this.call("POST", `join/${encode(room)}${asking(via)}`, {});
  }

  knock(room, ...via) {
    return this.call("POST", `knock/${encode(room)}${asking(via)}`, {});
  }

  /** Says something and gives the event's id. */
  say(room, body) {
    return this.sendMessage(room, { msgtype: "m.text", body });
  }

  async sendMessage(room, content, type = "m.room.message") {
    this.#sent += 1;
    return (await this.call("PUT", `rooms/${encode(room)}/send/${encode(type)}/${this.#sent}`, content)).event_id;
  }

  async redact(room, eventId) {
    this.#sent += 1;
    return (await this.call("PUT", `rooms/${encode(room)}/redact/${encode(eventId)}/${this.#sent}`, {})).event_id;
  }

  async setState(room, type, content, stateKey = "") {
    return (await this.call("PUT", `rooms/${encode(room)}/state/${encode(type)}/${encode(stateKey)}`, content)).event_id;
  }

  /** The state events of a room, in the form of the client-server API. */
  state(room) {
    return this.call("GET", `rooms/${encode(room)}/state`);
  }

  /** The content of a state event; nothing if there is none. */
  async stateContent(room, type, stateKey = "") {
    const events = await this.state(room);
    return events.find((event) => event.type === type && event.state_key === stateKey)?.content;
  }

  async membership(room, userId) {
    return (await this.stateContent(room, "m.room.member", userId))?.membership;
  }

  /** The newest events of a room, newest first. */
  async messages(room, { limit = 50 } = {}) {
    return (await this.call("GET", `rooms/${encode(room)}/messages?dir=b&limit=${limit}`)).chunk;
  }

  /** One event; nothing if the homeserver does not have it or will not show it. */
  async event(room, eventId) {
    try {
      return await this.call("GET", `rooms/${encode(room)}/event/${encode(eventId)}`);
    } catch (error) {
      if (error.status === 403 || error.status === 404) return undefined;
      throw error;
    }
  }

  /** What is new since the last call, as `/sync` has it; waits up to `timeout` ms for something. */
  async sync({ timeout = 1000 } = {}) {
    const since = this.#since ? `&since=${encode(this.#since)}` : "";
    const answer = await this.call("GET", `sync?timeout=${this.#since ? timeout : 0}${since}`);
    this.#since = answer.next_batch;
    return answer;
  }

  /** Syncs until an event of a joined room's timeline is what is looked for, and gives it. */
  syncUntil(room, matches) {
    return eventually(`an event for ${this.id}`, async () => {
      const { rooms } = await this.sync();
      return rooms?.join?.[room]?.timeline.events.find(matches);
    });
  }

  /** Syncs until the user is invited to a room, and gives the stripped state. */
  syncUntilInvited(room) {
    return eventually(`an invite for ${this.id}`, async () => {
      const { rooms } = await this.sync();
      return rooms?.invite?.[room]?.invite_state.events;
    });
  }

  #act(room, action, body) {
    return this.call("POST", `rooms/${encode(room)}/${action}`, body);
  }
}

function encode(part) {
  return encodeURIComponent(part);
}

/** The servers to ask, under the parameter's new name and its old one. */
function asking(via) {
  const query = via.flatMap((name) => [`via=${encode(name)}`, `server_name=${encode(name)}`]);
  return query.length > 0 ? `?${query.join("&")}` : "";
}
