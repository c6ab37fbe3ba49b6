//! The authorization rules of all room versions as one outline: in the order of the specification,
//! each with the room versions that have it.
//!
//! A rule's number in the page of a room version follows from its place among those that this
//! version has, as in the page itself, whose numbers are those of its lists.

use std::sync::OnceLock;

use crate::room_version::{ALL, RoomIdFormat, RoomVersion};

type Has = fn(&RoomVersion) -> bool;

struct Entry {
    rule: Rule,
    /// How deep it stands: `4.3.1` at 3.
    depth: usize,
    /// Its row in the inventory of rules, by which tests are named.
    row: &'static str,
    has: Has,
    summary: &'static str,
}

macro_rules! outline {
    ($($depth:literal $rule:ident $row:ident $has:ident $summary:literal)*) => {
        /// A rule. Its name is that of its condition.
        #[allow(missing_docs, reason = "`summary` says what each is")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule { $($rule),* }

        impl Rule {
            /// All rules, in the order of the specification.
            pub const ALL: &[Self] = &[$(Self::$rule),*];
        }

        const OUTLINE: &[Entry] = &[$(Entry {
            rule: Rule::$rule,
            depth: $depth,
            row: stringify!($row),
            has: $has,
            summary: $summary,
        }),*];
    };
}

outline! {
    1 Create H1 always "the event is m.room.create"
    2 CreatePrevEvents H1 always "it has prev_events: reject"
    2 CreateRoomIdDomain H2 room_ids_have_domains "the servers of room_id and sender differ: reject"
    2 CreateRoomId H2b room_ids_are_create_events "it has a room_id: reject"
    2 CreateRoomVersion H3 always "content.room_version is there and is no known version: reject"
    2 CreateCreator H4 creator_field "content has no creator: reject"
    2 CreateAdditionalCreators H5 privileged_creators "content.additional_creators is there and is no list of user IDs: reject"
    2 CreateOtherwise H1 always "otherwise: allow"
    1 RoomId H6 room_ids_are_create_events "room_id is not the ID of an accepted create event: reject"
    1 AuthEvents H7 always "the events in auth_events"
    2 AuthEventsDuplicate H7 always "two of them are for one type and state key: reject"
    2 AuthEventsSelection H8 always "one of them is not among those to be selected: reject"
    2 AuthEventsRejected H9 always "one of them was rejected: reject"
    2 AuthEventsCreate H10 room_ids_have_domains "none of them is m.room.create: reject"
    2 AuthEventsRoom H11 always "one of them is of another room: reject"
    1 Federate H12 always "the room has m.federate false, and the sender is of another server than its creator: reject"
    1 Aliases H13 aliases_rule "the event is m.room.aliases"
    2 AliasesStateKey H13 aliases_rule "it has no state key: reject"
    2 AliasesServer H13 aliases_rule "the state key is not the sender's server: reject"
    2 AliasesOtherwise H13 aliases_rule "otherwise: allow"
    1 Member H14 always "the event is m.room.member"
    2 MemberShape H14 always "it has no state key or no membership: reject"
    2 MemberAuthoriser H15 restricted_join "content has join_authorised_via_users_server"
    3 MemberAuthoriserSigned H15 restricted_join "that user's server has not signed the event: reject"
    2 Join H16 always "the membership is join"
    3 JoinCreator H16 always "the only previous event is m.room.create and the user is its creator: allow"
    3 JoinSender H17 always "the sender is not the user: reject"
    3 JoinBanned H17 always "the sender is banned: reject"
    3 JoinInvited H18 always "the join rule is invite (or knock, where there is knocking), and the user is invited or joined: allow"
    3 JoinRestricted H19 restricted_join "the join rule is restricted (or knock_restricted, where there is that)"
    4 JoinRestrictedMember H19 restricted_join "the user is joined or invited: allow"
    4 JoinRestrictedAuthoriser H19 restricted_join "the authorising user is not joined, or may not invite: reject"
    4 JoinRestrictedOtherwise H19 restricted_join "otherwise: allow"
    3 JoinPublic H20 always "the join rule is public: allow"
    3 JoinOtherwise H20 always "otherwise: reject"
    2 Invite H22 always "the membership is invite"
    3 InviteThirdParty H21 always "content has third_party_invite"
    4 ThirdPartyBanned H21 always "the invited user is banned: reject"
    4 ThirdPartySigned H21 always "third_party_invite has no signed: reject"
    4 ThirdPartyMxidToken H21 always "signed has no mxid or no token: reject"
    4 ThirdPartyMxid H21 always "mxid is not the state key: reject"
    4 ThirdPartyEvent H21 always "there is no m.room.third_party_invite for the token: reject"
    4 ThirdPartySender H21 always "the sender is not that event's sender: reject"
    4 ThirdPartySignature H21 always "a signature fits a public key of that event: allow"
    4 ThirdPartyOtherwise H21 always "otherwise: reject"
    3 InviteSenderJoined H22 always "the sender is not joined: reject"
    3 InviteTarget H22 always "the invited user is joined or banned: reject"
    3 InviteLevel H22 always "the sender has the level for inviting: allow"
    3 InviteOtherwise H22 always "otherwise: reject"
    2 Leave H24 always "the membership is leave"
    3 LeaveSelf H23 always "the sender is the user: allow if invited, joined (or knocking), else reject"
    3 KickSenderJoined H24 always "the sender is not joined: reject"
    3 Unban H24 always "the user is banned, and the sender has not the level for banning: reject"
    3 KickLevel H24 always "the sender has the level for kicking, and a higher one than the user: allow"
    3 KickOtherwise H24 always "otherwise: reject"
    2 Ban H25 always "the membership is ban"
    3 BanSenderJoined H25 always "the sender is not joined: reject"
    3 BanLevel H25 always "the sender has the level for banning, and a higher one than the user: allow"
    3 BanOtherwise H25 always "otherwise: reject"
    2 Knock H26 knock "the membership is knock"
    3 KnockJoinRule H26 knock "the join rule is not knock (or knock_restricted, where there is that): reject"
    3 KnockSender H26 knock "the sender is not the user: reject"
    3 KnockMembership H26 knock "the sender is not banned, invited or joined: allow"
    3 KnockOtherwise H26 knock "otherwise: reject"
    2 MembershipUnknown H27 always "otherwise, the membership is unknown: reject"
    1 SenderJoined H28 always "the sender is not joined: reject"
    1 ThirdPartyInvite H29 always "the event is m.room.third_party_invite"
    2 ThirdPartyInviteLevel H29 always "allow if the sender has the level for inviting, else reject"
    1 RequiredLevel H30 always "the sender has not the level for events of this type: reject"
    1 StateKey H31 always "the state key begins with @ and is not the sender: reject"
    1 PowerLevels H34 always "the event is m.room.power_levels"
    2 PowerLevelsValues H32 integer_power_levels "a level that has a name is no integer: reject"
    2 PowerLevelsMaps H33 integer_power_levels "events or notifications is no object of integers: reject"
    2 PowerLevelsUsers H34 always "users is no object of user IDs and levels: reject"
    2 PowerLevelsCreators H35 privileged_creators "users lists a creator: reject"
    2 PowerLevelsFirst H36 always "the room has no power levels yet: allow"
    2 NamedLevels H37 always "each named level that changes"
    3 NamedLevelCurrent H37 always "what it is now is above the sender's level: reject"
    3 NamedLevelNew H37 always "what it becomes is above the sender's level: reject"
    2 EntriesCurrent H38 always "each entry of events (and notifications, from version 6 on) that changes or goes"
    3 EntryCurrent H38 always "what it is now is above the sender's level: reject"
    2 EntriesNew H38 always "each entry of events (and notifications, from version 6 on) that changes or comes"
    3 EntryNew H38 always "what it becomes is above the sender's level: reject"
    2 UsersCurrent H39 always "each entry of users that changes or goes, but for the sender's own"
    3 UserCurrent H39 always "what it is now is not below the sender's level: reject"
    2 UsersNew H39 always "each entry of users that changes or comes"
    3 UserNew H39 always "what it becomes is above the sender's level: reject"
    2 PowerLevelsOtherwise H36 always "otherwise: allow"
    1 Redaction H40 redaction_rule "the event is m.room.redaction"
    2 RedactionLevel H40 redaction_rule "the sender has the level for redacting: allow"
    2 RedactionServer H40 redaction_rule "the IDs of the redaction and of what it redacts are of one server: allow"
    2 RedactionOtherwise H40 redaction_rule "otherwise: reject"
    1 Otherwise H41 always "otherwise: allow"
}

fn always(_: &RoomVersion) -> bool {
    true
}

fn room_ids_have_domains(version: &RoomVersion) -> bool {
    version.room_id_format == RoomIdFormat::Domain
}

fn room_ids_are_create_events(version: &RoomVersion) -> bool {
    version.room_id_format == RoomIdFormat::CreateEventId
}

fn creator_field(version: &RoomVersion) -> bool {
    version.creator_field
}

fn privileged_creators(version: &RoomVersion) -> bool {
    version.privileged_creators
}

fn aliases_rule(version: &RoomVersion) -> bool {
    version.aliases_rule
}

fn restricted_join(version: &RoomVersion) -> bool {
    version.restricted_join
}

fn knock(version: &RoomVersion) -> bool {
    version.knock
}

fn integer_power_levels(version: &RoomVersion) -> bool {
    !version.string_power_levels
}

fn redaction_rule(version: &RoomVersion) -> bool {
    version.redaction_rule
}

impl Rule {
    fn entry(self) -> Option<&'static Entry> {
        OUTLINE.get(self as usize)
    }

    /// The rule in a few words.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.entry().map_or("", |entry| entry.summary)
    }

    /// Its row in the inventory of rules: `H17`.
    #[must_use]
    pub fn row(self) -> &'static str {
        self.entry().map_or("", |entry| entry.row)
    }

    /// Its number in the page of a room version, such as `4.3.2`; `None` where that version does
    /// not have the rule.
    #[must_use]
    pub fn number(self, version: &RoomVersion) -> Option<&'static str> {
        // Every check of every event asks: they are counted once.
        static NUMBERS: [OnceLock<Numbers>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];
        let numbers = NUMBERS.get(version.index()?)?.get_or_init(|| numbers(version));
        numbers.get(self as usize)?.as_deref()
    }
}

/// By the rules, in their order.
type Numbers = Box<[Option<Box<str>>]>;

/// The numbers of the rules that a room version has.
fn numbers(version: &RoomVersion) -> Numbers {
    let mut counters: Vec<u8> = Vec::new();
    let mut numbers: Vec<Option<Box<str>>> = vec![None; Rule::ALL.len()];
    for entry in OUTLINE.iter().filter(|entry| (entry.has)(version)) {
        counters.resize(entry.depth, 0);
        if let Some(last) = counters.last_mut() {
            *last = last.saturating_add(1);
        }
        let number: Vec<String> = counters.iter().map(u8::to_string).collect();
        if let Some(place) = numbers.get_mut(entry.rule as usize) {
            *place = Some(number.join(".").into());
        }
    }
    numbers.into()
}
