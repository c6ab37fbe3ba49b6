/** What a person may do about a verdict of `fedproof auth` that is incomplete. */
import { type Check, roomVersions, type Verdict } from "../index.js";

const API = "/_matrix/federation/v1";

/** A sentence on where to get what is missing; undefined where none helps. */
export function nextStep({ code, check }: Check, { room_version }: Verdict): string | undefined {
  switch (code) {
    case "auth_event_missing":
      return `Servers of the room have the events at ${API}/event_auth/{room}/{event}: pass the answer with --auth-events.`;
    case "create_event_missing":
      return isNamedByRoom(room_version)
        ? "Events of this room version do not cite the create event: pass it with --create."
        : "A state without it is not whole.";
    case "state_conflict": {
      const where = check === 5 ? ` Servers of the room give it at ${API}/state/{room}?event_id={event}.` : "";
      return `The history of a room is not its state, which has one event for each type and state key.${where}`;
    }
    case "state_event_malformed":
      return "Servers would not have such an event in a state: was the file changed on its way?";
    case "signature_key_missing":
    case "join_authoriser_key_missing":
      return "A server gives its keys at /_matrix/key/v2/server: pass the answer with --keys.";
    default:
      return undefined;
  }
}

/** Is the create event that which the room ID names? */
function isNamedByRoom(roomVersion: string): boolean {
  const info = roomVersions().find(({ version }) => version === roomVersion);
  return info?.room_id_format === "create_event_id";
}
