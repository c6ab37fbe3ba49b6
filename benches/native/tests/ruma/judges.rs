//! What each side says of an input.

use fedproof::event::redaction::{self, Form};
use fedproof::event::{FormatError, Limits, Pdu, hashes};
use fedproof::json::{self, Canonical, Numbers};
use fedproof::receive::{self, Options};
use fedproof::room_version::RoomVersion;
use fedproof::verdict::{CheckResult, Outcome};
use ruma_common::canonical_json::redact;
use ruma_common::room_version_rules::RoomVersionRules;
use ruma_common::{CanonicalJsonObject, CanonicalJsonValue, RoomVersionId};
use ruma_signatures::Verified;

use super::world::World;

/// One answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A value, or "accepted".
    Is(String),
    /// Refused; ours with a code, ruma's with a sentence.
    Refused(String),
    /// Cannot be decided.
    Incomplete,
}

impl Answer {
    /// Is it what the other side says? Why something is refused may differ.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(_), Self::Refused(_)) => true,
            _ => self == other,
        }
    }
}

fn result<T: Into<String>, E: ToString>(result: Result<T, E>) -> Answer {
    match result {
        Ok(value) => Answer::Is(value.into()),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// The questions, in the order of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Read as JSON of the room version: the canonical form.
    Canonical,
    ContentHash,
    ReferenceHash,
    /// The redacted event.
    Redacted,
    /// Checks 1 to 3: accepted, accepted in its redacted form, refused, not decided.
    Verdict,
}

pub type Answers = Vec<(Question, Answer)>;

pub fn fedproof(text: &[u8], version: &str, world: &World) -> Answers {
    let version = RoomVersion::get(version).unwrap();
    let mut answers = Vec::new();
    let event = read(text, version);
    answers.push((
        Question::Canonical,
        result(event.as_ref().map(|event| event.as_str()).map_err(|code| code.clone())),
    ));
    if let Ok(event) = &event {
        let mut redacted = Vec::new();
        redaction::write_redacted(event, version.redaction, Form::Event, &mut redacted);
        let reference = hashes::reference_hash(event, version);
        answers.extend([
            (
                Question::ContentHash,
                Answer::Is(fedproof::encoding::encode(&hashes::content_hash(event))),
            ),
            (
                Question::ReferenceHash,
                Answer::Is(hashes::encode_reference_hash(&reference, version)),
            ),
            (Question::Redacted, Answer::Is(String::from_utf8(redacted).unwrap())),
        ]);
    }
    let verdict = receive::verify(text, version, &world.ring, Options::default());
    let code = || {
        let failed = verdict.checks.iter().find(|check| check.result == CheckResult::Fail);
        failed.and_then(|check| check.code).unwrap_or("no code").to_owned()
    };
    answers.push((
        Question::Verdict,
        match verdict.outcome {
            Outcome::Accepted if verdict.redacted => Answer::Is("accepted redacted".to_owned()),
            Outcome::Accepted => Answer::Is("accepted".to_owned()),
            Outcome::Incomplete => Answer::Incomplete,
            _ => Answer::Refused(code()),
        },
    ));
    answers
}

fn read(text: &[u8], version: &'static RoomVersion) -> Result<Canonical, String> {
    let json = json::parse(text, Numbers::Keep).map_err(|error| error.code().to_owned())?;
    // Of the format check, only what concerns reading: an object, and its numbers.
    match Pdu::from_canonical(json.clone(), version, Limits::All) {
        Err(failure)
            if matches!(
                failure.1,
                FormatError::Json(_) | FormatError::NotAnObject { .. } | FormatError::Number(_)
            ) =>
        {
            Err(failure.1.code().to_owned())
        }
        _ => Ok(json),
    }
}

pub fn ruma(text: &[u8], version: &str, world: &World) -> Answers {
    let rules = RoomVersionId::try_from(version).unwrap().rules().unwrap();
    let mut answers = Vec::new();
    let event = serde_json::from_slice::<CanonicalJsonObject>(text);
    answers.push((
        Question::Canonical,
        result(event.as_ref().map(|event| CanonicalJsonValue::Object(event.clone()).to_string())),
    ));
    if let Ok(event) = &event {
        let redacted = redact(event.clone(), &rules.redaction, None)
            .map(|event| CanonicalJsonValue::Object(event).to_string());
        answers.extend([
            (
                Question::ContentHash,
                result(ruma_signatures::content_hash(event).map(|hash| hash.encode())),
            ),
            (Question::ReferenceHash, result(ruma_signatures::reference_hash(event, &rules))),
            (Question::Redacted, result(redacted)),
        ]);
    }
    let verdict =
        event.map_err(|error| error.to_string()).and_then(|event| verify(&event, &rules, world));
    answers.push((Question::Verdict, result(verdict)));
    answers
}

fn verify(
    event: &CanonicalJsonObject,
    rules: &RoomVersionRules,
    world: &World,
) -> Result<&'static str, String> {
    ruma_state_res::check_pdu_format(event, &rules.event_format)?;
    match ruma_signatures::verify_event(&world.map, event, rules) {
        Ok(Verified::All) => Ok("accepted"),
        Ok(Verified::Signatures) => Ok("accepted redacted"),
        Err(error) => Err(error.to_string()),
    }
}
