//! Joining, knocking and leaving by way of servers that are in the room.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>,
//! <https://spec.matrix.org/v1.19/server-server-api/#knocking-upon-a-room>,
//! <https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites>

use super::events::of;
use super::{Client, FederationError, KeyReport};
use crate::auth::Membership;
use crate::encoding;
use crate::event::signatures::{add_signature, to_sign};
use crate::event::{FormatError, Limits, Pdu, hashes};
use crate::federation::joining::{self, Join, make_join, read_make_join};
use crate::federation::knocking::{self, Knocked, SendKnock, make_knock, read_make_knock};
use crate::federation::leaving::{self, make_leave, read_make_leave};
use crate::federation::{
    Asked, MembershipChange, Next, StatedVersion, Survey, Surveyed, Template, event_from_template,
};
use crate::host::{Host, Notice};
use crate::identifiers::domain_of;
use crate::json::Canonical;
use crate::room_version::{self, RoomVersion};

/// How much of an answer is looked at before others get to run, in bytes: a few milliseconds' worth.
const PIECE: usize = 128 * 1024;

type Result<T> = std::result::Result<T, FederationError>;

/// What a membership is to become, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct MemberRequest<'a> {
    /// The room.
    pub room_id: &'a str,
    /// Our user.
    pub user_id: &'a str,
    /// Servers in the room, tried in this order.
    pub via: &'a [String],
    /// What else the content is to say, such as `displayname`.
    pub content: Option<&'a Canonical>,
}

/// What one of several servers did.
#[derive(Debug)]
pub struct Tried<T> {
    /// The server.
    pub server: String,
    /// What it did.
    pub done: T,
    /// Servers that were tried before.
    pub failures: Vec<(String, Box<FederationError>)>,
}

/// A join that a server of the room took.
#[derive(Debug)]
pub struct Joining {
    /// The version of the room.
    pub version: &'static RoomVersion,
    /// The join as all servers are to have it.
    pub event: Canonical,
    /// Its ID.
    pub event_id: String,
    /// The answer: the state before the join and its auth chain, not verified yet. The keys that they
    /// need are in the ring, as far as they were to be had.
    pub answer: Vec<u8>,
    /// What became of fetching the keys.
    pub keys: KeyReport,
}

/// A knock or a leave that a server of the room took.
#[derive(Debug)]
pub struct MembershipSent<T> {
    /// The version of the room.
    pub version: &'static RoomVersion,
    /// The event.
    pub event: Canonical,
    /// Its ID.
    pub event_id: String,
    /// What the server gave in return.
    pub answer: T,
}

/// An event that our server has signed.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub event: Canonical,
    pub event_id: String,
}

impl Client {
    /// Joins a room.
    ///
    /// # Errors
    /// [`FederationError`]: of the one server that was asked, or of all of them.
    pub async fn join(
        &self,
        host: &Host,
        wanted: &MemberRequest<'_>,
        omit_members: bool,
    ) -> Result<Tried<Joining>> {
        self.first(wanted, async |server| self.join_by(host, server, wanted, omit_members).await)
            .await
    }

    async fn join_by(
        &self,
        host: &Host,
        server: &str,
        wanted: &MemberRequest<'_>,
        omit_members: bool,
    ) -> Result<Joining> {
        let versions: Vec<_> = room_version::ALL.iter().collect();
        let request = make_join(wanted.room_id, wanted.user_id, &versions);
        let body = self.ask(host, server, request).await?;
        let template = read_make_join(&body, &versions).map_err(of(server))?;
        let signed = self.sign_by(host, server, &template, wanted, Membership::Join).await?;
        let join = Join {
            room_id: wanted.room_id,
            event_id: &signed.event_id,
            event: &signed.event,
            version: template.version,
            omit_members,
            server_name: &self.server_name,
        };
        stage(host, "send_join");
        let answer = match self.ask(host, server, joining::send_join(&join)).await {
            Err(error) if is_unknown_endpoint(&error) => {
                let answer = self.ask(host, server, joining::send_join_v1(&join)).await?;
                joining::unwrap_v1(&answer).map_err(of(server))?.to_vec()
            }
            answer => answer?,
        };
        let seen = self.survey(host, server, &join, &answer).await?;
        let needed = seen.keys_needed(&self.keys.borrow());
        let keys = self.fetch_needed(host, needed).await?;
        let event = seen.event(&self.keys.borrow()).map_err(of(server))?;
        Ok(Joining { version: seen.version, event, event_id: signed.event_id, answer, keys })
    }

    /// Looks through the answer to a join, and lets others run meanwhile.
    async fn survey(
        &self,
        host: &Host,
        server: &str,
        join: &Join<'_>,
        answer: &[u8],
    ) -> Result<Surveyed> {
        let mut survey = Survey::new(join);
        let total = u64::try_from(answer.len()).ok();
        let mut done = 0u64;
        for piece in answer.chunks(PIECE) {
            survey.push(piece, &self.keys.borrow()).map_err(of(server))?;
            done = done.saturating_add(u64::try_from(piece.len()).unwrap_or_default());
            host.tell(Notice::Progress { stage: "read", done, total });
            if total > Some(done) {
                host.wait(0).await?;
            }
        }
        survey.end().map_err(of(server))
    }

    /// Knocks on a room.
    ///
    /// # Errors
    /// As of [`Self::join`].
    pub async fn knock(
        &self,
        host: &Host,
        wanted: &MemberRequest<'_>,
    ) -> Result<Tried<MembershipSent<(Knocked, KeyReport)>>> {
        self.first(wanted, async |server| self.knock_by(host, server, wanted).await).await
    }

    async fn knock_by(
        &self,
        host: &Host,
        server: &str,
        wanted: &MemberRequest<'_>,
    ) -> Result<MembershipSent<(Knocked, KeyReport)>> {
        let versions: Vec<_> = room_version::ALL.iter().filter(|version| version.knock).collect();
        let request = make_knock(wanted.room_id, wanted.user_id, &versions);
        let body = self.ask(host, server, request).await?;
        let template = read_make_knock(&body, &versions).map_err(of(server))?;
        let version = known_version(&template)?;
        let Signed { event, event_id } =
            self.sign_by(host, server, &template, wanted, Membership::Knock).await?;
        let request = knocking::send_knock(wanted.room_id, &event_id, &event);
        let body = self.ask(host, server, request).await?;
        let read = SendKnock::read(&body, wanted.room_id, version).map_err(of(server))?;
        let needed = read.keys_needed(&self.keys.borrow());
        let keys = self.fetch_needed(host, needed).await?;
        let knocked = read.judge(&self.keys.borrow());
        Ok(MembershipSent { version, event, event_id, answer: (knocked, keys) })
    }

    /// Turns an invite down, takes a knock back, or leaves a room that our server has no copy of.
    ///
    /// # Errors
    /// As of [`Self::join`].
    pub async fn leave(
        &self,
        host: &Host,
        wanted: &MemberRequest<'_>,
    ) -> Result<Tried<MembershipSent<()>>> {
        self.first(wanted, async |server| self.leave_by(host, server, wanted).await).await
    }

    async fn leave_by(
        &self,
        host: &Host,
        server: &str,
        wanted: &MemberRequest<'_>,
    ) -> Result<MembershipSent<()>> {
        let versions: Vec<_> = room_version::ALL.iter().collect();
        let body = self.ask(host, server, make_leave(wanted.room_id, wanted.user_id)).await?;
        let template = read_make_leave(&body, &versions).map_err(of(server))?;
        let version = known_version(&template)?;
        let Signed { event, event_id } =
            self.sign_by(host, server, &template, wanted, Membership::Leave).await?;
        let request = leaving::send_leave(wanted.room_id, &event_id, &event);
        match self.ask(host, server, request).await {
            Err(error) if is_unknown_endpoint(&error) => {
                let request = leaving::send_leave_v1(wanted.room_id, &event_id, &event);
                let body = self.ask(host, server, request).await?;
                leaving::read_send_leave_v1(&body).map_err(of(server))?;
            }
            answer => leaving::read_send_leave(&answer?).map_err(of(server))?,
        }
        Ok(MembershipSent { version, event, event_id, answer: () })
    }

    /// Asks the servers one after the other, ours left out (it is not in the room), until one does what
    /// is asked, or says what every other would say as well.
    async fn first<T>(
        &self,
        wanted: &MemberRequest<'_>,
        attempt: impl AsyncFn(&str) -> Result<T>,
    ) -> Result<Tried<T>> {
        if domain_of(wanted.user_id, '@') != Some(self.server_name.as_str()) {
            let (what, expected) = ("the user", "one of our server");
            return Err(FederationError::Argument { what, expected });
        }
        let mut failures = Vec::new();
        for server in wanted.via.iter().filter(|server| **server != self.server_name) {
            match attempt(server).await {
                Ok(done) => return Ok(Tried { server: server.clone(), done, failures }),
                Err(error) => {
                    let ends = ends(&error);
                    failures.push((server.clone(), Box::new(error)));
                    if ends {
                        break;
                    }
                }
            }
        }
        Err(FederationError::AllFailed(failures))
    }

    /// The event made by a template, signed.
    async fn sign_by(
        &self,
        host: &Host,
        server: &str,
        template: &Template,
        wanted: &MemberRequest<'_>,
        membership: Membership,
    ) -> Result<Signed> {
        let version = known_version(template)?;
        let event_id = if version.event_id_format.is_field() {
            Some(self.new_event_id(host).await?)
        } else {
            None
        };
        let change = MembershipChange {
            room_id: wanted.room_id,
            user_id: wanted.user_id,
            membership,
            origin_server_ts: host.now().await?,
            event_id: event_id.as_deref(),
            content: wanted.content.map(Canonical::value),
        };
        let event = event_from_template(&template.event, version, &change).map_err(|error| {
            FederationError::Template { server: server.to_owned(), error: Box::new(error) }
        })?;
        self.sign_event(host, &event, version).await
    }

    /// An ID for an event of room versions 1 and 2, which nobody can have used.
    pub(super) async fn new_event_id(&self, host: &Host) -> Result<String> {
        let random = host.random(18).await?;
        Ok(format!("${}:{}", encoding::encode_url_safe(&random), self.server_name))
    }

    /// An event with content hash and our signature.
    pub(super) async fn sign_event(
        &self,
        host: &Host,
        event: &Canonical,
        version: &'static RoomVersion,
    ) -> Result<Signed> {
        if let Some(defect) = event.first_bad_number(version.strict_canonical_json, None) {
            return Err(FormatError::Number(defect).into());
        }
        let key_id = self.key_id.as_deref().ok_or(FederationError::NoKey)?;
        let (event, message) = to_sign(event, version);
        let signature = host.sign(message).await?;
        let event = add_signature(&event, &self.server_name, key_id, &signature);
        let pdu = Pdu::from_canonical(event, version, Limits::All).map_err(|failure| failure.1)?;
        let event = pdu.json().clone();
        let hash = hashes::reference_hash(&event, version);
        let event_id = hashes::event_id(&event, &hash, version).unwrap_or_default();
        Ok(Signed { event, event_id })
    }
}

fn known_version(template: &Template) -> Result<&'static RoomVersion> {
    match template.version {
        StatedVersion::Known(version) => Ok(version),
        // Both have the same events.
        StatedVersion::OneOrTwo => Ok(RoomVersion::get("1")?),
    }
}

fn is_unknown_endpoint(error: &FederationError) -> bool {
    matches!(error, FederationError::Remote { error, .. } if error.next(Asked::ForMembership) == Next::OlderEndpoint)
}

/// Would every other server of the room say the same?
fn ends(error: &FederationError) -> bool {
    match error {
        FederationError::Remote { error, .. } => error.next(Asked::ForMembership) == Next::Stop,
        FederationError::Host(_) | FederationError::NoKey | FederationError::Argument { .. } => {
            true
        }
        _ => false,
    }
}

fn stage(host: &Host, stage: &'static str) {
    host.tell(Notice::Progress { stage, done: 0, total: None });
}
