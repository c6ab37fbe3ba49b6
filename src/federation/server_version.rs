//! What software a server runs.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version>

use super::answer::{Answer, AnswerError};
use super::entries::{LeftOut, Reading};
use super::request::{Request, SMALL_ANSWER, Target, TimeLimit};
use crate::json::Value;

/// Asks what software a server runs.
#[must_use]
pub fn version() -> Request {
    Request::get(Target::new("federation/v1/version"), SMALL_ANSWER, TimeLimit::Short).unsigned()
}

/// What software a server says it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// Its name, cut to 4096 characters.
    pub name: Option<String>,
    /// Its version, likewise.
    pub version: Option<String>,
    /// Fields that are malformed or were cut.
    pub left_out: Vec<LeftOut>,
}

/// Reads the answer to [`version`].
///
/// # Errors
/// [`AnswerError`] when it is no object.
pub fn read_version(body: &[u8]) -> Result<ServerVersion, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let mut reading = Reading::default();
    let place = || "server".to_owned();
    let is_object = |value: Value<'_>| value.as_object().is_some();
    let server = answer.get("server").inspect(|value| {
        if !is_object(*value) {
            reading.tell(place, "answer_entry_invalid", "an object");
        }
    });
    let mut text = |key| reading.text(server?, key, "server.");
    let (name, version) = (text("name"), text("version"));
    Ok(ServerVersion { name, version, left_out: reading.left_out })
}
