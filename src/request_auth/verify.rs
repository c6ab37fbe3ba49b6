//! Is a received request by the server it says?
//!
//! The judgment is data, with what to answer. A key that is not there, or was valid when it was last
//! asked for and no longer is, makes it incomplete: ask the origin (or a notary) for its keys and judge
//! again.

use super::header::{Authorization, Credentials, HeaderError, read_authorization};
use super::request::{Request, RequestError};
use crate::event::signatures::{
    self, ServerFailure, ServerReport, SignatureReport, SignatureStatus, verify_signature,
};
use crate::evidence::{Evidence, Quoted};
use crate::keys::KeyRing;
use crate::ordered;
use crate::receive::server_evidence;

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedRequest<'a> {
    /// The method, as in the request line.
    pub method: &'a str,
    /// The target as it stands in the request line: path and query, not decoded and not written anew.
    pub uri: &'a str,
    /// The values of all `Authorization` headers.
    pub authorization: &'a [&'a [u8]],
    /// The body; none and an empty one are the same.
    pub body: Option<&'a [u8]>,
}

/// Who received a request, and when.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// The names of our server: more than one if it serves several domains. When the sender does not
    /// name its destination, each of them is tried.
    pub server_names: &'a [&'a str],
    /// When the request came, in milliseconds. Its keys must be valid then.
    pub now: i64,
    /// Put what must have been signed into the evidence; it is as long as the body.
    pub evidence: bool,
}

/// What is known of a received request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestVerdict {
    /// Who made it, or what to answer.
    pub result: Result<Authenticated, RequestRefusal>,
    /// Where implementations in the wild differ about it, in order.
    pub flags: Vec<&'static str>,
    /// What was compared.
    pub evidence: Evidence,
}

/// A request by whom it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The server that made it.
    pub origin: String,
    /// The name of ours for which it is signed.
    pub destination: String,
    /// The keys whose signatures are right.
    pub keys: Vec<String>,
}

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRefusal {
    /// The stable code.
    pub code: &'static str,
    /// One sentence with the values compared.
    pub reason: String,
    /// The HTTP status to answer with; `None` while keys are missing that could still be fetched.
    pub status: Option<u16>,
    /// The Matrix error code to answer with.
    pub errcode: &'static str,
    /// Keys that are missing, or known too long ago.
    pub missing: Vec<MissingKey>,
}

/// A key to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingKey {
    /// Whose it is.
    pub server: String,
    /// Its ID.
    pub key_id: String,
}

impl RequestRefusal {
    /// One about who made the request.
    fn unauthorized(code: &'static str, reason: String) -> Self {
        let (status, errcode) = (Some(401), "M_UNAUTHORIZED");
        Self { code, reason, status, errcode, missing: Vec::new() }
    }
}

impl From<HeaderError> for RequestRefusal {
    fn from(error: HeaderError) -> Self {
        Self { status: Some(400), ..Self::unauthorized(error.code(), error.to_string()) }
    }
}

impl From<RequestError> for RequestRefusal {
    fn from(error: RequestError) -> Self {
        let errcode = error.errcode();
        let (status, reason) = (Some(400), error.to_string());
        Self { status, errcode, ..Self::unauthorized(error.code(), reason) }
    }
}

/// Judges whether a request was made by the server it says.
#[must_use]
pub fn verify_request(
    received: ReceivedRequest<'_>,
    receiver: Receiver<'_>,
    ring: &KeyRing,
) -> RequestVerdict {
    let mut seen = Seen { flags: Vec::new(), evidence: Evidence::object([]) };
    let result = judge(received, receiver, ring, &mut seen);
    let Seen { mut flags, evidence } = seen;
    ordered::sort(&mut flags);
    flags.dedup();
    RequestVerdict { result, flags, evidence }
}

/// What there is to tell, whatever the result.
struct Seen {
    flags: Vec<&'static str>,
    evidence: Evidence,
}

fn judge(
    received: ReceivedRequest<'_>,
    receiver: Receiver<'_>,
    ring: &KeyRing,
    seen: &mut Seen,
) -> Result<Authenticated, RequestRefusal> {
    // The headers are short: what they decide is decided before the body is read.
    let said = read_authorization(received.authorization).inspect_err(|error| {
        seen.evidence = error.evidence();
    })?;
    seen.flags.extend(flags_of_headers(&said));
    let origin = origin_of(&said.credentials, seen)?;
    check_destinations(&said.credentials, receiver.server_names, seen)?;
    let request = Request::read(received.method, received.uri, received.body)?;
    seen.flags.extend(flags_of_content(&request));
    let proof = Proof::of(&request, &said.credentials, origin, receiver, ring);
    seen.flags.extend(proof.flags());
    seen.evidence = proof.evidence(receiver);
    proof.judge(receiver.now, ring)
}

fn flags_of_headers(said: &Authorization) -> impl Iterator<Item = &'static str> {
    let nameless = said.credentials.iter().any(|one| one.destination.is_none());
    let flags = [
        ("authorization_divergent", said.divergent),
        ("authorization_no_destination", nameless),
        ("authorization_scheme_case", said.other_case),
        ("authorization_unquoted", said.unquoted),
    ];
    flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag)
}

fn flags_of_content(request: &Request<'_>) -> impl Iterator<Item = &'static str> {
    let content = request.content();
    let noted =
        |note: fn(crate::json::Notes) -> bool| content.is_some_and(|content| note(content.notes()));
    let odd_number = content.is_some_and(|content| content.first_bad_number(true, None).is_some());
    let flags = [
        ("content_number_divergent", odd_number),
        ("duplicate_keys", noted(|notes| notes.duplicate_keys)),
        ("negative_zero", noted(|notes| notes.negative_zero)),
    ];
    flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag)
}

/// The one server that all credentials name.
fn origin_of<'a>(
    credentials: &'a [Credentials],
    seen: &mut Seen,
) -> Result<&'a str, RequestRefusal> {
    let Some(first) = credentials.first() else {
        let reason = "the request has no Authorization header of the scheme X-Matrix".to_owned();
        return Err(RequestRefusal::unauthorized("authorization_missing", reason));
    };
    let other = credentials.iter().find(|one| one.origin != first.origin);
    let Some(other) = other else {
        return Ok(&first.origin);
    };
    seen.flags.push("several_origins_divergent");
    let origins = credentials.iter().map(|one| Evidence::from(&one.origin));
    seen.evidence = Evidence::object([("origins", origins.collect())]);
    let reason = format!("the request claims to be by {} and by {}", first.origin, other.origin);
    Err(RequestRefusal::unauthorized("authorization_several_origins", reason))
}

/// Every destination that is named must be ours, as it is written.
fn check_destinations(
    credentials: &[Credentials],
    server_names: &[&str],
    seen: &mut Seen,
) -> Result<(), RequestRefusal> {
    let mut named = credentials.iter().filter_map(|one| one.destination.as_deref());
    let Some(foreign) = named.find(|name| !server_names.contains(name)) else {
        return Ok(());
    };
    seen.evidence = Evidence::object([
        ("destination", foreign.into()),
        ("server_names", server_names.iter().map(|name| Evidence::from(*name)).collect()),
    ]);
    let reason =
        format!("the request is for {}, not for {}", Quoted(foreign), server_names.join(", "));
    Err(RequestRefusal::unauthorized("authorization_destination_mismatch", reason))
}

/// What became of the signatures of a request.
struct Proof {
    report: ServerReport,
    /// The name of ours for which it is signed; if for none, one that was tried.
    destination: String,
    /// What must have been signed for that name, if it is asked for.
    signed: Option<Vec<u8>>,
}

impl Proof {
    fn of(
        request: &Request<'_>,
        credentials: &[Credentials],
        origin: &str,
        receiver: Receiver<'_>,
        ring: &KeyRing,
    ) -> Self {
        let mut message = Message { request, origin, destination: None, text: Vec::new() };
        let mut proven_for = None;
        let mut signatures = Vec::with_capacity(credentials.len());
        for one in credentials {
            let (report, name) = verify_one(one, &mut message, receiver, ring);
            proven_for = proven_for.or(name);
            signatures.push(report);
        }
        let named = credentials.iter().find_map(|one| one.destination.as_deref());
        let tried = named.or_else(|| receiver.server_names.first().copied());
        let destination = proven_for.or(tried).unwrap_or_default().to_owned();
        let report = ServerReport { server: origin.to_owned(), signatures };
        let signed = receiver.evidence.then(|| message.for_destination(&destination).to_vec());
        Self { report, destination, signed }
    }

    fn flags(&self) -> impl Iterator<Item = &'static str> {
        let any = |is: fn(&SignatureReport) -> bool| self.report.signatures.iter().any(is);
        let flags = [
            ("ed25519_divergent", any(|one| one.divergent)),
            ("url_safe_base64", any(|one| one.url_safe)),
        ];
        flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag)
    }

    fn evidence(&self, receiver: Receiver<'_>) -> Evidence {
        let signed = self.signed.as_deref().map(|text| String::from_utf8_lossy(text).into_owned());
        server_evidence(&self.report)
            .with("destination", &self.destination)
            .with("now", receiver.now)
            .with_some("signed", signed)
    }

    /// As for events: every signature by a known key that is valid must be right, and there must be one.
    fn judge(self, now: i64, ring: &KeyRing) -> Result<Authenticated, RequestRefusal> {
        let Self { report, destination, .. } = self;
        let Err(failure) = report.judge() else {
            let right = |one: &SignatureReport| one.status == SignatureStatus::Valid;
            let keys = report.signatures.into_iter().filter(right).map(|one| one.key_id).collect();
            return Ok(Authenticated { origin: report.server, destination, keys });
        };
        let refuse = |code| {
            let reason = signatures::sentence("request", &report, failure, Some(now));
            RequestRefusal::unauthorized(code, reason)
        };
        let missing = missing_keys(&report, now, ring);
        match failure {
            ServerFailure::KeyMissing => Err(incomplete(refuse(failure.code()), missing)),
            ServerFailure::KeyExpired if !missing.is_empty() => {
                Err(incomplete(refuse("request_key_stale"), missing))
            }
            ServerFailure::KeyExpired => match old_key(&report) {
                None => Err(refuse(failure.code())),
                Some(key_id) => {
                    let reason = format!(
                        "the key {key_id} of {} is an old one, which signs no requests",
                        report.server
                    );
                    Err(RequestRefusal::unauthorized("request_key_old", reason))
                }
            },
            _ => Err(refuse(failure.code())),
        }
    }
}

/// What is signed for one destination at a time: nearly always there is just one.
struct Message<'a> {
    request: &'a Request<'a>,
    origin: &'a str,
    destination: Option<String>,
    text: Vec<u8>,
}

impl Message<'_> {
    fn for_destination(&mut self, destination: &str) -> &[u8] {
        if self.destination.as_deref() != Some(destination) {
            self.text = self.request.signed_object(self.origin, destination);
            self.destination = Some(destination.to_owned());
        }
        &self.text
    }
}

/// Checks a signature, and says for which name of ours it is right.
fn verify_one<'a>(
    credentials: &'a Credentials,
    message: &mut Message<'_>,
    receiver: Receiver<'a>,
    ring: &KeyRing,
) -> (SignatureReport, Option<&'a str>) {
    let Credentials { origin, destination, key_id, signature } = credentials;
    let standing = ring.standing_for_request(origin, key_id, receiver.now);
    let named = destination.as_deref();
    let ours = receiver.server_names.iter().copied().filter(|_| named.is_none());
    let mut told = None;
    for name in named.into_iter().chain(ours) {
        let text = message.for_destination(name);
        let report = verify_signature(key_id.clone(), signature, text, standing, ring.check());
        match report.status {
            SignatureStatus::Valid => return (report, Some(name)),
            // It may be for another name of ours.
            SignatureStatus::Invalid => told = told.or(Some(report)),
            _ => return (report, None),
        }
    }
    let status = SignatureStatus::Invalid;
    let invalid =
        || SignatureReport { key_id: key_id.clone(), status, url_safe: false, divergent: false };
    (told.unwrap_or_else(invalid), None)
}

/// The keys that another question to the origin may bring: those that are not there, and those that were
/// valid until a time that has passed since their server was asked.
fn missing_keys(report: &ServerReport, now: i64, ring: &KeyRing) -> Vec<MissingKey> {
    let mut missing: Vec<MissingKey> = Vec::new();
    for SignatureReport { key_id, status, .. } in &report.signatures {
        let asked_before = || {
            let known = ring.get(&report.server, key_id);
            known.is_some_and(|known| known.fetched_ts.is_none_or(|fetched| fetched < now))
        };
        let wanted = match status {
            SignatureStatus::KeyMissing => true,
            SignatureStatus::KeyNotValidYet { .. } => asked_before(),
            _ => false,
        };
        let key = MissingKey { server: report.server.clone(), key_id: key_id.clone() };
        if wanted && !missing.contains(&key) {
            missing.push(key);
        }
    }
    missing
}

fn old_key(report: &ServerReport) -> Option<&str> {
    let is_old = |one: &&SignatureReport| matches!(one.status, SignatureStatus::KeyExpired { .. });
    report.signatures.iter().find(is_old).map(|one| one.key_id.as_str())
}

fn incomplete(refusal: RequestRefusal, missing: Vec<MissingKey>) -> RequestRefusal {
    RequestRefusal { status: None, missing, ..refusal }
}
