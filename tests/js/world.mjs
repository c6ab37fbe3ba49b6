// A small federation of our own: servers with keys, and events they sign. Everything is made anew in each run.
import { KeyRing, SigningKey, signEvent, signJson } from "fedproof";

export const NOW = 1_700_000_000_000;
const DAY = 24 * 60 * 60 * 1000;

/** A server: its name, its key, and what it answers when asked for its keys. */
export function server(name, key = SigningKey.generate()) {
  const keyResponse = ({ validUntil = NOW + DAY, oldKeys = {} } = {}) =>
    signJson(
      {
        server_name: name,
        valid_until_ts: validUntil,
        verify_keys: { [key.keyId]: { key: key.publicKey } },
        old_verify_keys: oldKeys,
      },
      { serverName: name, key },
    );
  return { name, key, keyResponse };
}

/** A ring with the keys of servers. */
export function ringOf(...servers) {
  const keys = new KeyRing();
  for (const one of servers) keys.addServerKeys(one.keyResponse(), { fetchedTs: NOW });
  return keys;
}

/** A message event of room version 3 or later, as plain data, unsigned. */
export function message(sender, body = "hello", more = {}) {
  return {
    type: "m.room.message",
    sender: `@alice:${sender.name}`,
    room_id: `!room:${sender.name}`,
    content: { body, msgtype: "m.text" },
    origin_server_ts: NOW - 1000,
    depth: 7,
    prev_events: ["$DR2gqI___4oQ6cWmzPdq8LJmR1ho5JciFsR7fMYXgZA"],
    auth_events: ["$ZN1QSrPQIqjqqo7cB9wk1A53WkMiyI_vpSs7aPoup5Q"],
    ...more,
  };
}

/** A signed event, as JSON text. */
export function signed(sender, event = message(sender), roomVersion = "11") {
  return signEvent(event, { serverName: sender.name, key: sender.key, roomVersion });
}

/** For assert.throws: a FedproofError with this code, whose message is a sentence of use. */
export function error(code, also = () => {}) {
  return (thrown) => {
    if (thrown.name !== "FedproofError") throw thrown;
    if (thrown.code !== code) throw new Error(`expected the code ${code}, found ${thrown.code}: ${thrown.message}`);
    if (thrown.message.length < 10) throw new Error(`the message says nothing: ${thrown.message}`);
    also(thrown);
    return true;
  };
}
