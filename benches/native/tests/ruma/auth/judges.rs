//! What each side says of an event: by its auth events (check 4) and by a room state (check 5).

use fedproof::auth::{self, Ask, Cited, Decision, Outcome, RoomCreate, Rule, StateMap};
use fedproof::room_version::RoomIdFormat;
use ruma_common::room_version_rules::AuthorizationRules;
use ruma_common::{EventId, RoomVersionId};
use ruma_events::StateEventType;

use super::case::Case;
use super::pdu::{Pdu, State};
use super::room::{CREATE, Sent};
use crate::judges::Answer;

/// By what an event is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The events that it cites.
    Cited,
    /// The state of the room.
    State,
}

impl Case {
    /// The room's create event, where the room ID names it.
    pub fn named_create(&self) -> Option<&Sent> {
        let room_id = self.event.tree["room_id"].as_str()?;
        let named = self.version.room_id_format == RoomIdFormat::CreateEventId;
        let id = room_id.replacen('!', "$", 1);
        named.then(|| self.known.get(&id)).flatten().map(AsRef::as_ref)
    }

    /// The events that the event cites, as far as they are there.
    pub fn cited(&self) -> impl Iterator<Item = (String, Option<&Sent>)> {
        let ids = self.event.ours.pdu().auth_events().map(|cited| cited.event_id.into_owned());
        ids.map(|id| {
            let sent = self.known.get(&id).map(AsRef::as_ref);
            (id, sent)
        })
    }
}

/// fedproof's answers; the rule that decided by the cited events comes with them.
pub fn fedproof(case: &Case) -> (Vec<(By, Answer)>, Rule) {
    let cited: Vec<_> = case.cited().collect();
    let cited: Vec<Cited<'_>> = cited
        .iter()
        .map(|(id, sent)| match sent {
            Some(sent) => Cited::Event { event: &sent.ours, rejected: sent.rejected },
            None => Cited::Missing { id },
        })
        .collect();
    let named = case.named_create();
    let create = RoomCreate {
        event: named.map(|sent| &sent.ours),
        rejected: named.is_some_and(|sent| sent.rejected),
    };
    let event = &case.event.ours;
    let by_cited = asked_alike(|ask| auth::auth_rules(event, &cited, create, ask));
    let state: StateMap<'_> = case.state.iter().map(|sent| &sent.ours).collect();
    let by_state = asked_alike(|ask| auth::state_rules(event, &state, create, ask));
    let rule = rule_of(&by_cited);
    let mut answers = vec![(By::Cited, answer(by_cited))];
    // What these rules say, ruma says without a state.
    if case.event.kind() != CREATE && rule != Rule::RoomId {
        answers.push((By::State, answer(by_state)));
    }
    (answers, rule)
}

/// How much is asked must not change what is decided.
fn asked_alike(judge: impl Fn(Ask) -> Outcome) -> Decision {
    let kind = |decision: &Decision| match decision {
        Decision::Allow(rule) => (0, *rule),
        Decision::Reject(rule, _) => (1, *rule),
        Decision::Incomplete(rule, _) => (2, *rule),
    };
    let [short, told, all] = [Ask::Decision, Ask::Reason, Ask::Path].map(judge);
    assert_eq!(kind(&short.decision), kind(&told.decision));
    assert_eq!(told.decision, all.decision);
    told.decision
}

fn rule_of(decision: &Decision) -> Rule {
    match decision {
        Decision::Allow(rule) | Decision::Reject(rule, _) | Decision::Incomplete(rule, _) => *rule,
    }
}

fn answer(decision: Decision) -> Answer {
    match decision {
        Decision::Allow(_) => Answer::Is("allowed".to_owned()),
        Decision::Reject(_, why) => Answer::Refused(why.unwrap().code.to_owned()),
        Decision::Incomplete(..) => Answer::Incomplete,
    }
}

/// ruma's answer.
pub fn ruma(case: &Case, by: By) -> Answer {
    let version = RoomVersionId::try_from(case.version.id).unwrap();
    match judge(case, by, &version.rules().unwrap().authorization) {
        Ok(()) => Answer::Is("allowed".to_owned()),
        Err(error) => Answer::Refused(error),
    }
}

fn judge(case: &Case, by: By, rules: &AuthorizationRules) -> Result<(), String> {
    let event = case.event.theirs.as_ref().map_err(Clone::clone)?;
    let read = |sent: &'_ Sent| sent.theirs.clone().expect("ruma reads the events of the room");
    let state: Vec<Pdu> = match by {
        By::Cited => {
            let find = |id: &EventId| case.known.get(id.as_str()).map(|sent| read(sent));
            ruma_state_res::check_state_independent_auth_rules(rules, event, find)?;
            let cited = case.cited().filter_map(|(_, sent)| sent);
            cited.chain(case.named_create()).map(read).collect()
        }
        By::State => case.state.iter().map(|sent| read(sent)).collect(),
    };
    let state: State<'_> = state.iter().collect();
    let fetch = |event_type: &StateEventType, key: &str| state.get(event_type, key);
    ruma_state_res::check_state_dependent_auth_rules(rules, event, fetch)
}
