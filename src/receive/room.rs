//! Checks 4 to 7: what the room says to an event.

use std::borrow::Cow;

use super::{Options, set_flags};
use crate::auth::{
    self, CREATE, Cited, Decision, Event, EventType, MEMBER, Outcome as AuthOutcome, POWER_LEVELS,
    PowerLevels, RoomCreate, State, Why,
};
use crate::encoding;
use crate::event::{Reference, hashes};
use crate::evidence::Evidence;
use crate::policy_server;
use crate::room_version::{RoomIdFormat, RoomVersion};
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// A room state, or why what is there is none: then the checks that need it are incomplete.
pub type KnownState<'a> = Result<&'a dyn State, &'a Why>;

/// Finds an event by its ID.
pub type Find<'a> = dyn Fn(&str) -> Option<&'a Event> + 'a;

/// What is known of the room around an event. Checks whose part is not there are skipped.
#[derive(Clone, Copy, Default)]
pub struct Room<'a> {
    /// Finds the events that `auth_events` names (check 4).
    pub auth_events: Option<&'a Find<'a>>,
    /// The state before the event (check 5).
    pub state_before: Option<KnownState<'a>>,
    /// The current state (checks 6 and 7).
    pub current_state: Option<KnownState<'a>>,
    /// The room's create event, where events do not cite it (room versions 12 and later); it is also
    /// looked for in the auth events and the states.
    pub create: Option<&'a Event>,
    /// Was this event rejected? Without an answer, none was.
    pub is_rejected: Option<&'a dyn Fn(&str) -> bool>,
}

impl std::fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

impl<'a> Room<'a> {
    /// Adds checks 4 to 7 to the verdict on an event that was not dropped, each unless an earlier one
    /// failed. `signed` is what servers sign of the event.
    pub(crate) fn judge(
        &self,
        event: &Event,
        signed: &[u8],
        verdict: &mut Verdict,
        options: Options,
    ) {
        verdict.add_flags(&flags(event));
        verdict.checks.reserve_exact(4);
        let mut failed = false;
        for number in 4..=7 {
            let check = match number {
                _ if failed => Check::new(number, CheckResult::Skip),
                4 => self.auth_events_check(event, verdict, options),
                5 => self.state_check(5, event, self.state_before, options),
                6 => match verdict.checks.last() {
                    Some(fifth) if self.is_before_current() => fifth.clone().renamed(6),
                    _ => self.state_check(6, event, self.current_state, options),
                },
                _ => self.policy_server_check(event, signed, options),
            };
            failed |= check.result == CheckResult::Fail;
            settle(verdict, check);
        }
    }

    /// Adds checks 4 and 5 to a verdict, each by itself.
    pub(crate) fn authorize(&self, event: &Event, verdict: &mut Verdict, options: Options) {
        verdict.add_flags(&flags(event));
        let fourth = self.auth_events_check(event, verdict, options);
        settle(verdict, fourth);
        settle(verdict, self.state_check(5, event, self.state_before, options));
    }

    /// Check 4: do the events that it cites allow the event?
    fn auth_events_check(&self, event: &Event, verdict: &mut Verdict, options: Options) -> Check {
        // The first event of a room cites none.
        let is_create = event.event_type() == EventType::Create;
        if self.auth_events.is_none() && !is_create {
            return Check::new(4, CheckResult::Skip);
        }
        let references: Vec<_> = event.pdu().auth_events().collect();
        let cited: Vec<Cited<'_>> = references
            .iter()
            .map(|reference| match self.auth_event(&reference.event_id) {
                Some(event) => Cited::Event { event, rejected: self.rejected(event.id()) },
                None => Cited::Missing { id: &reference.event_id },
            })
            .collect();
        if references
            .iter()
            .zip(&cited)
            .any(|(reference, cited)| is_of_other_hash(reference, cited))
        {
            verdict.add_flags(&["reference_hash_mismatch"]);
        }
        let create = self.create(event);
        let outcome = auth::auth_rules(event, &cited, create, options.ask());
        let find = |event_type: &str, state_key: &str| {
            let events = cited.iter().filter_map(Cited::event);
            events.into_iter().find(|event| event.is_state(event_type, state_key))
        };
        check_of(4, event, outcome, &find, create, options)
    }

    /// Is the state before the event the current one? What one of them allows, the other does.
    fn is_before_current(&self) -> bool {
        let states = self.state_before.zip(self.current_state);
        matches!(states, Some((Ok(before), Ok(current))) if std::ptr::addr_eq(before, current))
    }

    /// Check 5 or 6: does a room state allow the event?
    fn state_check(
        &self,
        number: u8,
        event: &Event,
        state: Option<KnownState<'_>>,
        options: Options,
    ) -> Check {
        let state = match state {
            None => return Check::new(number, CheckResult::Skip),
            Some(Err(why)) => return incomplete(number, why.clone()),
            Some(Ok(state)) => state,
        };
        let create = self.create(event);
        if let Some(why) = is_of_other_room(event, state, create) {
            return incomplete(number, why);
        }
        let outcome = auth::state_rules(event, state, create, options.ask());
        check_of(
            number,
            event,
            outcome,
            &|event_type, key| state.get(event_type, key),
            create,
            options,
        )
    }

    /// Check 7: does the room use a policy server, and has that recommended the event?
    fn policy_server_check(&self, event: &Event, signed: &[u8], options: Options) -> Check {
        match self.current_state {
            Some(Ok(state)) => policy_server::check(event, signed, state, options.evidence),
            Some(Err(why)) => incomplete(7, why.clone()),
            None => Check::new(7, CheckResult::Skip),
        }
    }

    fn auth_event(&self, id: &str) -> Option<&'a Event> {
        self.auth_events.and_then(|find| find(id))
    }

    fn rejected(&self, id: &str) -> bool {
        self.is_rejected.is_some_and(|is_rejected| is_rejected(id))
    }

    /// The create event by the room ID, in room versions where that names it.
    fn create(&self, event: &Event) -> RoomCreate<'a> {
        if event.pdu().version().room_id_format == RoomIdFormat::Domain {
            return RoomCreate::default();
        }
        if let Some(create) = self.create.filter(|create| event.names_create(create.id())) {
            return RoomCreate { event: Some(create), rejected: self.rejected(create.id()) };
        }
        let id = event.named_create().unwrap_or_default();
        let of_state = |state: Option<KnownState<'a>>| state?.ok()?.get(CREATE, "");
        let candidates = [
            self.create,
            of_state(self.state_before),
            of_state(self.current_state),
            self.auth_event(&id),
        ];
        // The one that the room ID names; or else any, to say that it is of another room.
        let named = candidates.into_iter().flatten().find(|create| create.id() == id);
        let create = named.or(candidates.into_iter().flatten().next());
        RoomCreate {
            event: create,
            rejected: create.is_some_and(|create| self.rejected(create.id())),
        }
    }
}

/// Is the event that is there another one than that which the reference was made to? (References of
/// room versions 1 and 2 carry the hash of what they name.)
fn is_of_other_hash(reference: &Reference<'_>, cited: &Cited<'_>) -> bool {
    let Some((stated, event)) = reference.sha256.as_deref().zip(cited.event()) else {
        return false;
    };
    let hash = hashes::reference_hash(event.pdu().json(), event.pdu().version());
    encoding::decode::<32>(stated).is_none_or(|decoded| decoded.bytes != hash)
}

/// Is this the state of another room than the event's? Told by the events of it that the rules look at.
fn is_of_other_room(event: &Event, state: &dyn State, create: RoomCreate<'_>) -> Option<Why> {
    let is_create = event.event_type() == EventType::Create;
    let of_event = match event.pdu().room_id() {
        Some(room_id) => room_id,
        None => is_create.then(|| made_room(event))?,
    };
    // A create event without a room ID makes the room that its own ID names. While no other is known
    // for the room of the event, that it is not this one is for the rules to say; but those about create
    // events look at no state.
    let is_known = is_create || create.event.is_some_and(|create| names(&of_event, create.id()));
    let looked_at = [(CREATE, ""), (POWER_LEVELS, ""), (MEMBER, event.sender())];
    let rooms = looked_at.into_iter().filter_map(|(name, key)| {
        let found = state.get(name, key)?;
        found.pdu().room_id().or_else(|| is_known.then(|| made_room(found)))
    });
    let of_state = rooms.into_iter().find(|room| *room != of_event)?;
    let rooms = [&*of_state, &*of_event].map(Evidence::from);
    Some(Why::new(
        "state_other_room",
        format!("the state is that of the room {of_state}, the event is of {of_event}"),
        Evidence::object([("rooms", rooms.into_iter().collect())]),
    ))
}

/// The ID of the room that a create event makes by its own.
fn made_room(create: &Event) -> Cow<'_, str> {
    Cow::Owned(create.id().replacen('$', "!", 1))
}

/// Is this create event the one that a room ID names?
fn names(room_id: &str, create_id: &str) -> bool {
    room_id.strip_prefix('!') == create_id.strip_prefix('$')
}

fn incomplete(number: u8, why: Why) -> Check {
    Check {
        code: Some(why.code),
        reason: Some(why.reason),
        evidence: Some(why.evidence),
        missing: why.missing,
        ..Check::new(number, CheckResult::Incomplete)
    }
}

/// Adds a check to a verdict, and what follows from it.
fn settle(verdict: &mut Verdict, check: Check) {
    let unproven = verdict.outcome == Outcome::Incomplete
        && verdict
            .checks
            .iter()
            .any(|earlier| earlier.check == 2 && earlier.result == CheckResult::Incomplete);
    verdict.outcome = match (check.result, verdict.outcome) {
        (CheckResult::Fail, Outcome::Accepted) => failure_of(check.check),
        // One reason is enough, whatever else is missing; but not while it may have to be dropped.
        (CheckResult::Fail, Outcome::Incomplete) if check.check <= 5 && !unproven => {
            Outcome::Rejected
        }
        (CheckResult::Incomplete, Outcome::Accepted) => Outcome::Incomplete,
        (_, outcome) => outcome,
    };
    verdict.checks.push(check);
}

fn failure_of(check: u8) -> Outcome {
    if check <= 5 { Outcome::Rejected } else { Outcome::SoftFailed }
}

fn check_of<'e>(
    number: u8,
    event: &Event,
    outcome: AuthOutcome,
    find: &dyn Fn(&str, &str) -> Option<&'e Event>,
    create: RoomCreate<'_>,
    options: Options,
) -> Check {
    let version = event.pdu().version();
    let (result, rule, why) = match outcome.decision {
        Decision::Allow(rule) => (CheckResult::Pass, rule, None),
        Decision::Reject(rule, why) => (CheckResult::Fail, rule, why),
        Decision::Incomplete(rule, why) => (CheckResult::Incomplete, rule, why),
    };
    let read = (result != CheckResult::Pass || options.evidence || options.path)
        .then(|| events_read(event, find, create));
    let (code, reason, evidence, missing) = match why.map(|why| *why) {
        Some(Why { code, reason, evidence, missing }) => {
            (Some(code), Some(reason), evidence.with_some("events_read", read), missing)
        }
        None => (None, None, Evidence::object([]).with_some("events_read", read), Vec::new()),
    };
    let told = evidence != Evidence::object([]);
    Check {
        rule: rule.number(version),
        code,
        reason,
        spec: version.authorization_rules(),
        evidence: told.then_some(evidence),
        missing,
        path: outcome.path,
        ..Check::new(number, result)
    }
}

/// The state that the rules look at for this event, as far as it is there.
fn events_read<'e>(
    event: &Event,
    find: &dyn Fn(&str, &str) -> Option<&'e Event>,
    create: RoomCreate<'_>,
) -> Evidence {
    let create = create.event.map(|create| (CREATE, String::new(), create.id()));
    let selected = event.auth_types().into_iter().filter_map(|(event_type, state_key)| {
        let id = find(event_type, &state_key)?.id();
        Some((event_type, state_key, id))
    });
    let selected: Vec<_> = selected.collect();
    create
        .iter()
        .chain(&selected)
        .map(|(event_type, state_key, id)| {
            Evidence::object([
                ("type", (*event_type).into()),
                ("state_key", state_key.into()),
                ("event_id", (*id).into()),
            ])
        })
        .collect()
}

/// What is worth knowing about an event that the authorization rules judge.
fn flags(event: &Event) -> Vec<&'static str> {
    set_flags([
        ("create_room_version_differs", is_create_of_other_version(event)),
        ("power_level_divergent", event.power_levels().is_some_and(PowerLevels::is_divergent)),
    ])
}

/// A create event that says another known room version than the one it is judged by.
fn is_create_of_other_version(event: &Event) -> bool {
    if event.event_type() != EventType::Create {
        return false;
    }
    let stated = match event.content("room_version") {
        None => Some(Cow::Borrowed("1")),
        Some(value) => value.as_str(),
    };
    stated.is_some_and(|stated| {
        stated != event.pdu().version().id && RoomVersion::get(&stated).is_ok()
    })
}
