// Where Synapse and fedproof judge differently, and why: the rows of docs/differences-synapse.md.
// A row may look at all the facts of a case (facts.mjs), and explains as little as it can.
import { isObject, isUserId, pythonReads, serverOf, specReads } from "./facts.mjs";

const UNFEDERATABLE = /marked as unfederatable/;
// int() of something that is no number, or a look into `users` that is no object.
const NO_LEVEL = /^(ValueError: invalid literal for int|TypeError: int\(\) argument|AttributeError: '(?!NoneType)\w+' object has no attribute 'get'$)/;

// For Synapse; `null` counts as not there.
const isBad = (value) => value !== null && value !== undefined && !pythonReads(value);

export const differences = [
  {
    input: "`m.federate` in the create event is neither `true` nor `false`; a user of another server acts, or is acted on",
    synapse: "rejects: what is not `true` closes the room",
    fedproof: "takes it as open",
    why: "Rule 3 (4 in v12): “has the property `m.federate` set to `false`”.",
    explains: (facts) => {
      const federate = facts.create?.content["m.federate"];
      return facts.onlySynapseRejects(UNFEDERATABLE) && federate !== undefined && typeof federate !== "boolean";
    },
  },
  {
    input: "`m.federate` is `false`; a user of the room's server invites, bans or kicks one of another server",
    synapse: "rejects: looks at both servers",
    fedproof: "looks at the sender's server only",
    why: "Rule 3 (4 in v12): “the `sender` domain of the event does not match the `sender` domain of the create event”.",
    explains: (facts) => {
      const own = serverOf(facts.create?.sender ?? "");
      return (
        facts.onlySynapseRejects(UNFEDERATABLE) &&
        facts.create.content["m.federate"] === false &&
        facts.isMember &&
        serverOf(facts.event.sender) === own &&
        serverOf(facts.event.state_key) !== own
      );
    },
  },
  {
    input: "v1 to v9: a level that the specification does not have and Python's `int()` reads: `1_000`, digits of other scripts, other white space around, `true`",
    synapse: "a level",
    fedproof: "no level; flag `power_level_divergent` if it stands in the event itself",
    why: "“a single base 10 integer”, and nothing else, is a string that counts. Servers that are not written in Python do not read these.",
    explains: (facts) =>
      facts.version < 10 &&
      facts.onlyFedproofRejects("power_level_unreadable", "power_levels_user_level_invalid") &&
      pythonReads(facts.unreadable) &&
      !specReads(facts.unreadable, facts.version) &&
      (facts.flags.includes("power_level_divergent") || !facts.isOwnLevel(facts.unreadable)),
  },
  {
    input: "v10 and later: the room's current power levels have a string or a boolean where a level is needed (no event with one could have come into the state)",
    synapse: "a level",
    fedproof: "no level",
    why: "“power levels MUST NOT be represented as strings within this room version”.",
    explains: (facts) =>
      facts.version >= 10 &&
      facts.onlyFedproofRejects("power_level_unreadable") &&
      pythonReads(facts.unreadable) &&
      !specReads(facts.unreadable, facts.version),
  },
  {
    input: "A membership event, while the room's current power levels have something that is no level where this event needs none",
    synapse: "drops the event: reads the levels of both users and those for invites and bans whatever happens",
    fedproof: "reads what a rule asks for",
    why: "The rules for joining a public room, for example, ask for no level.",
    explains: (facts) => {
      const levels = facts.levels ?? {};
      const users = isObject(levels.users) ? [levels.users[facts.event.sender], levels.users[facts.event.state_key]] : [];
      const read = [...users, levels.users_default, levels.invite, levels.ban];
      return (
        facts.isMember &&
        facts.onlySynapseRejects(NO_LEVEL) &&
        (read.some(isBad) || (levels.users !== undefined && levels.users !== null && !isObject(levels.users)))
      );
    },
  },
  {
    input: "v3 and later: a redaction, while the room's current power levels have something that is no level for `redact`",
    synapse: "drops the event: reads that level",
    fedproof: "reads what a rule asks for",
    why: "From v3 on the rules do not ask for the redact level.",
    explains: (facts) =>
      facts.version >= 3 &&
      facts.event.type === "m.room.redaction" &&
      facts.onlySynapseRejects(NO_LEVEL) &&
      isBad(facts.levels?.redact),
  },
  {
    input: "The room's current power levels have `null` for `users` or `events`",
    synapse: "drops every event for which it looks there",
    fedproof: "as if it were not there",
    why: "A level that is `null` counts as not there, for Synapse too; the same goes for all of them here.",
    explains: (facts) =>
      facts.onlySynapseRejects(/^AttributeError: 'NoneType' object has no attribute 'get'$/) &&
      (facts.levels?.users === null || facts.levels?.events === null),
  },
  {
    input: "The room's current power levels have `null` for `state_default` or `events_default`",
    synapse: "drops every event for which it needs that level, though `null` is the default elsewhere",
    fedproof: "the default",
    why: "As above.",
    explains: (facts) =>
      facts.onlySynapseRejects(/^TypeError: int\(\) argument must be .* not 'NoneType'$/) &&
      facts.levels?.[facts.event.state_key === undefined ? "events_default" : "state_default"] === null,
  },
  {
    input: "`events` or `notifications` is `[]` or `\"\"` in new power levels of v1 to v9, or in the current ones of any version, and there is no entry on the other side",
    synapse: "allows: there is nothing to compare",
    fedproof: "rejects: no object of levels",
    why: "What cannot be compared may not be set. (From v10 on the rules say so, and Synapse rejects it.)",
    explains: (facts) =>
      facts.isLevels &&
      facts.onlyFedproofRejects("power_level_unreadable") &&
      isEmptyButNoObject(facts.unreadable) &&
      ["events", "notifications"].some((name) => [facts.content, facts.levels].some((levels) => isEmptyButNoObject(levels?.[name]))),
  },
  {
    input: "A key in `users` of power levels that begins with `@`, has a colon, and is no user ID",
    synapse: "allows",
    fedproof: "rejects: `power_levels_user_id_invalid`",
    why: "“keys that are valid user IDs”.",
    explains: (facts) =>
      facts.onlyFedproofRejects("power_levels_user_id_invalid") &&
      Object.keys(facts.content.users).some((user) => !isUserId(user)),
  },
  {
    input: "An `m.room.power_levels` event that is no state event",
    synapse: "drops it: looks for its state key",
    fedproof: "allows it, if it is well formed and the sender may send this type",
    why: "There is no previous event of its kind, and it changes no state.",
    explains: (facts) =>
      facts.isLevels && facts.event.state_key === undefined && facts.onlySynapseRejects(/^AttributeError: state_key$/),
  },
  {
    input: "v8 and later: `join_authorised_via_users_server` in a membership event that is no join, without a signature of that server",
    synapse: "allows: asks joins only for it",
    fedproof: "rejects: `join_authoriser_not_signed`",
    why: "Rule 4.2 (5.2 in v12) comes before the membership is looked at.",
    explains: (facts) =>
      facts.version >= 8 &&
      facts.onlyFedproofRejects("join_authoriser_not_signed") &&
      facts.content.membership !== "join" &&
      facts.event.signatures[serverOf(facts.content.join_authorised_via_users_server)] === undefined,
  },
  {
    input: "v8 and later: `join_authorised_via_users_server` is no user ID, in a membership event that is no join, or one that needs no authoriser",
    synapse: "allows, in joins if it has a colon",
    fedproof: "rejects: `join_authoriser_invalid`",
    why: "Rule 4.2 (5.2 in v12): “the homeserver of the user ID denoted by the key”; there is none that could have signed.",
    explains: (facts) =>
      facts.version >= 8 &&
      facts.onlyFedproofRejects("join_authoriser_invalid") &&
      !isUserId(facts.content.join_authorised_via_users_server),
  },
  {
    input: "A membership event whose state key is no user ID",
    synapse: "drops it if there is no colon in it; otherwise a user like others",
    fedproof: "rejects: `member_state_key_invalid`",
    why: "Nobody else can have a membership.",
    explains: (facts) =>
      facts.onlyFedproofRejects("member_state_key_invalid") && !isUserId(facts.event.state_key),
  },
  {
    input: "An invite of a third party with several signatures, a wrong one before the right one",
    synapse: "rejects: gives a key up at the first signature that does not fit it",
    fedproof: "allows",
    why: "Rule 5.3.1.7 of v1, and its like in the others: “If any signature in `signed` matches any public key in the `m.room.third_party_invite` event, allow.”",
    explains: (facts) => {
      const servers = Object.values(facts.content.third_party_invite?.signed?.signatures ?? {});
      return (
        facts.onlySynapseRejects(/You are not invited to this room/) && servers.flatMap((server) => Object.keys(server ?? {})).length > 1
      );
    },
  },
  {
    input: "An invite of a third party, while the offer in the room has, beside the key that fits, something that is no key",
    synapse: "drops the event",
    fedproof: "passes that over",
    why: "As above: any signature, any key.",
    explains: (facts) =>
      facts.onlySynapseRejects(/^(TypeError|AttributeError|KeyError|ValueError|Error): /) &&
      !/int\(\)|has no attribute 'get'$/.test(facts.synapse.why) &&
      !offeredKeys(facts).every((key) => /^[A-Za-z0-9+/_-]{43}=?$/.test(key)),
  },
  {
    input: "v1 and v2: a redaction whose `redacts` is no string, or missing",
    synapse: "allows: it redacts nothing",
    fedproof: "rejects: `redaction_power`",
    why: "Rule 11.3: “Otherwise, reject.” Without the level, the redacted event must be of the same server.",
    explains: (facts) =>
      facts.version <= 2 && facts.onlyFedproofRejects("redaction_power") && typeof facts.event.redacts !== "string",
  },
  {
    input: "v1 and v2: a redaction whose `redacts` is no event ID, but has the right server behind its first colon",
    synapse: "allows",
    fedproof: "rejects: `redaction_power`",
    why: "Rule 11.2: “the domain of the `event_id` of the event being redacted”; there is no such event.",
    explains: (facts) =>
      facts.version <= 2 &&
      facts.onlyFedproofRejects("redaction_power") &&
      typeof facts.event.redacts === "string" &&
      !facts.event.redacts.startsWith("$") &&
      serverOf(facts.event.redacts) === serverOf(facts.event.event_id),
  },
  {
    input: "A create event whose `room_version` is one of Synapse's unstable ones",
    synapse: "allows",
    fedproof: "rejects: `create_room_version_unknown`",
    why: "Rule 1.3: “a recognised version”; fedproof knows 1 to 12.",
    explains: (facts) =>
      facts.onlyFedproofRejects("create_room_version_unknown") && /^org\.matrix\./.test(facts.content.room_version),
  },
  {
    input: "v12: a create event whose state key is not empty, or missing",
    synapse: "drops it as malformed: takes it for an event of another kind, which must have a `room_id`",
    fedproof: "looks at the type alone",
    why: "Rule 1: “If type is `m.room.create`”.",
    explains: (facts) =>
      facts.version === 12 &&
      facts.event.type === "m.room.create" &&
      facts.event.state_key !== "" &&
      facts.onlySynapseRejects(/Invalid event JSON/),
  },
  {
    input: "v12: `additional_creators` with a user ID that has NUL in its local part",
    synapse: "allows",
    fedproof: "rejects: `create_additional_creators_invalid`",
    why: "Rule 1.4: “the same user ID validation applied to `sender`”; fedproof refuses NUL there, as the historical grammar does.",
    explains: (facts) =>
      facts.version === 12 &&
      facts.onlyFedproofRejects("create_additional_creators_invalid") &&
      facts.content.additional_creators.some((user) => user.includes("\0")),
  },
  {
    input: "v12: a state of another room than the one that the event's `room_id` names",
    synapse: "rejects the event",
    fedproof: "incomplete: `state_other_room`",
    why: "Check 5 asks for “the state of the room”. Who hands in another has given no state to judge by, which says nothing of the event.",
    explains: (facts) =>
      facts.version === 12 &&
      facts.check.result === "incomplete" &&
      facts.check.code === "state_other_room" &&
      /During auth for event .* in room .*, found event .* in the state/.test(facts.synapse.why),
  },
];

const isEmptyButNoObject = (value) => value === "" || (Array.isArray(value) && value.length === 0);

/** What stands in the places for keys of the offer that an invite takes up. */
function offeredKeys(facts) {
  const token = facts.content.third_party_invite?.signed?.token;
  const { public_key: one, public_keys: list = [] } = facts.state.get(`m.room.third_party_invite ${token}`)?.content ?? {};
  if (!Array.isArray(list)) return [undefined];
  return [...(one === undefined ? [] : [one]), ...list.map((entry) => entry?.public_key)];
}

/** The whole of docs/differences-synapse.md. */
export function document(release) {
  const rows = differences.map(({ input, synapse, fedproof, why }) => `| ${input} | ${synapse} | ${fedproof} | ${why} |`);
  return `# Where fedproof and Synapse differ

Synapse ${release}, asked for its authorization rules the way its federation code asks: \`validate_event_for_room_version\`, \`check_state_independent_auth_rules\`, \`check_state_dependent_auth_rules\`. A test (\`tests/js/synapse-auth.test.mjs\`, cases from \`tests/synapse/auth\`) gives 4,000 generated events of room versions 1 to 12, honest, odd and hostile, to both, and compares check 4 (by the event's \`auth_events\`) and check 5 (by the state before the event). What Synapse does not accept counts as rejected, whether it rejects the event or drops it. Every difference falls into one of these rows, and each row is seen; the test writes this file. Differences in checks 1 to 3 are in [divergences.md](divergences.md).

| input | Synapse | fedproof | why |
|---|---|---|---|
${rows.join("\n")}
`;
}
