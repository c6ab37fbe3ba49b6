//! Proving to somebody else who a user is.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#openid>

use super::answer::{Answer, AnswerError};
use super::entries::is_user_id;
use super::request::{Request, SMALL_ANSWER, Target, TimeLimit};
use crate::identifiers::domain_of;

/// Asks whom a token is of that a user gave to somebody to prove who they are.
#[must_use]
pub fn userinfo(access_token: &str) -> Request {
    let target = Target::new("federation/v1/openid/userinfo").query("access_token", access_token);
    Request::get(target, SMALL_ANSWER, TimeLimit::Short).unsigned()
}

/// Reads the answer of `server` to [`userinfo`]: a user ID, which must be of that server.
///
/// # Errors
/// [`AnswerError`] when there is none, or one of another server.
pub fn read_userinfo(body: &[u8], server: &str) -> Result<String, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let user_id =
        answer.field("sub", "a user ID", |value| value.as_str().filter(|id| is_user_id(id)))?;
    if domain_of(&user_id, '@') != Some(server) {
        let (user_id, server) = (user_id.into_owned(), server.to_owned());
        return Err(AnswerError::OtherServer { user_id, server });
    }
    Ok(user_id.into_owned())
}
