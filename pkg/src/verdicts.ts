/** From the module's text to verdicts. */
import type { Check, Verdict } from "./verdict.js";

/** An event that is plainly accepted: what sets its verdict apart from that of any other such. */
type Plain = readonly [eventId: string, type: string, sender: string, stateKey: string | null];

const SPEC = "https://spec.matrix.org/v1.19/server-server-api/#";

/** What the module says of checks that passed, and therefore leaves out. */
const passed = (): Check[] => [
  { check: 1, name: "format", result: "pass", spec: `${SPEC}checks-performed-on-receipt-of-a-pdu` },
  {
    check: 2,
    name: "signatures",
    result: "pass",
    spec: `${SPEC}validating-hashes-and-signatures-on-received-events`,
  },
  {
    check: 3,
    name: "hash",
    result: "pass",
    spec: `${SPEC}calculating-the-content-hash-for-an-event`,
  },
];

function expand(roomVersion: string, [eventId, type, sender, stateKey]: Plain): Verdict {
  return accepted(roomVersion, eventId, type, sender, stateKey, passed());
}

function accepted(
  roomVersion: string,
  eventId: string,
  type: string,
  sender: string,
  stateKey: string | null,
  checks: Check[],
): Verdict {
  return {
    event_id: eventId,
    room_version: roomVersion,
    type,
    ...(stateKey === null ? undefined : { state_key: stateKey }),
    sender,
    outcome: "accepted",
    redacted: false,
    checks,
    flags: [],
  };
}

/** The verdicts in an answer of the module: the room version, then an item for each event. */
export function readVerdicts(text: string): Verdict[] {
  const [roomVersion, ...items] = JSON.parse(text) as [string, ...(Plain | Verdict)[]];
  return items.map((item) =>
    Array.isArray(item) ? expand(roomVersion, item as unknown as Plain) : (item as Verdict),
  );
}

/** The one verdict in an answer about one event. */
export function readVerdict(text: string): Verdict {
  return readVerdicts(text)[0] as Verdict;
}

/** An event of a room that is accepted as others are; `list` says which of the shared checks are its own. */
type Accepted = readonly [eventId: string, type: string, sender: string, stateKey: string | null, list: number];

/** Verdicts in an answer of a room: the room version, lists of checks that verdicts share, the verdicts. */
export type RoomVerdicts = readonly [roomVersion: string, lists: Check[][], items: (Accepted | Verdict)[]];

/** The verdicts in an answer of a room. */
export function readRoomVerdicts([roomVersion, lists, items]: RoomVerdicts): Verdict[] {
  return items.map((item) => {
    if (!Array.isArray(item)) return item as Verdict;
    const [eventId, type, sender, stateKey, list] = item as unknown as Accepted;
    // Copies: whoever changes a verdict changes no other.
    const checks = (lists[list] as Check[]).map((check) => ({ ...check }));
    return accepted(roomVersion, eventId, type, sender, stateKey, checks);
  });
}
