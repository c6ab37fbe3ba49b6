//! The conversations themselves: another server is found, asked, and not believed without proof.
//!
//! Each conversation is an `async fn` over a [`Host`](crate::host::Host). What is asked and what is to
//! be believed of the answer stands in the modules beside this one; here are finding the server, signing
//! the request, fetching the keys that the answer needs, and trying another server where that may help.

mod back_off;
mod error;
mod events;
mod invites;
mod keys;
mod members;
mod policy;
mod queries;
mod sending;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::RemoteError;
use super::request::Request;
use crate::discovery::{self, RequestParts, Resolution};
use crate::encoding;
use crate::host::Host;
use crate::keys::KeyRing;
use crate::request_auth::{self, Credentials};

pub use back_off::BackOff;
pub use error::FederationError;
pub use invites::Invited;
pub use keys::{FetchedKeys, KeyFailure, KeyReport, WantedKeys};
pub use members::{Joining, MemberRequest, MembershipSent, Tried};
pub use sending::{Delivery, Outgoing};

/// How many servers are remembered with the place where they are.
const MOST_FOUND: usize = 1000;

/// Our server, as far as it speaks to others.
#[derive(Debug)]
pub struct Client {
    /// Its name.
    pub server_name: String,
    /// The ID of the key that the host signs with; without one, nothing can be signed.
    pub key_id: Option<String>,
    /// Keys of other servers.
    pub keys: Rc<RefCell<KeyRing>>,
    /// Servers that are asked for the keys of others.
    pub notaries: Vec<String>,
    /// What `.well-known` documents said.
    discovery: Rc<RefCell<discovery::Cache>>,
    /// Where servers are.
    found: RefCell<HashMap<String, Resolution>>,
    /// Servers that did not give their keys.
    back_off: RefCell<BackOff>,
    transaction_ids: RefCell<super::transactions::TransactionIds>,
}

impl Client {
    /// A server that speaks to others.
    #[must_use]
    pub fn new(
        server_name: &str,
        key_id: Option<&str>,
        keys: Rc<RefCell<KeyRing>>,
        notaries: Vec<String>,
    ) -> Self {
        Self {
            server_name: server_name.to_owned(),
            key_id: key_id.map(str::to_owned),
            keys,
            notaries,
            discovery: Rc::default(),
            found: RefCell::default(),
            back_off: RefCell::default(),
            transaction_ids: RefCell::default(),
        }
    }

    /// Finds a server, or remembers where it is.
    ///
    /// # Errors
    /// [`FederationError::Discovery`].
    pub async fn resolve(&self, host: &Host, server: &str) -> Result<Resolution, FederationError> {
        let now = host.now().await?;
        let known = self.found.borrow().get(server).cloned();
        if let Some(known) = known.filter(|known| known.expires_ts.is_none_or(|until| now < until))
        {
            return Ok(known);
        }
        let resolution = discovery::resolve(host, &self.discovery, server).await?;
        let mut found = self.found.borrow_mut();
        if found.len() >= MOST_FOUND {
            found.clear();
        }
        found.insert(server.to_owned(), resolution.clone());
        Ok(resolution)
    }

    /// Forgets where a server is: it was not there.
    fn forget(&self, server: &str) {
        self.found.borrow_mut().remove(server);
    }

    /// Makes a request, signed where it has to be; gives the body of an answer with the status 200.
    ///
    /// # Errors
    /// [`FederationError::Remote`] for any other status, and what keeps an answer from coming at all.
    pub async fn ask(
        &self,
        host: &Host,
        server: &str,
        request: Request,
    ) -> Result<Vec<u8>, FederationError> {
        let answer = self.exchange(host, server, request).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(FederationError::Remote {
                server: server.to_owned(),
                error: RemoteError::read(status, answer.header("retry-after"), &answer.body),
            }),
        }
    }

    /// Makes a request; gives the answer, whatever its status.
    ///
    /// # Errors
    /// What keeps an answer from coming at all.
    pub async fn exchange(
        &self,
        host: &Host,
        server: &str,
        request: Request,
    ) -> Result<crate::host::HttpsAnswer, FederationError> {
        let resolution = self.resolve(host, server).await?;
        let mut headers = Vec::new();
        if request.content.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        if request.signed {
            headers.push(("authorization", self.authorization(host, server, &request).await?));
        }
        let parts = RequestParts {
            method: request.method,
            target: request.target,
            headers,
            body: request.content,
            max_bytes: request.max_bytes,
            time_limit_ms: request.time.ms(),
        };
        match discovery::request(host, &resolution, parts).await {
            Ok(exchange) => Ok(exchange.answer),
            Err(error) => {
                self.forget(server);
                Err(error.into())
            }
        }
    }

    /// The header by which the request is ours.
    async fn authorization(
        &self,
        host: &Host,
        server: &str,
        request: &Request,
    ) -> Result<String, FederationError> {
        let key_id = self.key_id.clone().ok_or(FederationError::NoKey)?;
        let content = request.content.as_deref();
        let read = request_auth::Request::read(request.method, &request.target, content)?;
        let signed = read.signed_object(&self.server_name, server);
        let credentials = Credentials {
            origin: self.server_name.clone(),
            destination: Some(server.to_owned()),
            key_id,
            signature: encoding::encode(&host.sign(signed).await?),
        };
        Ok(credentials.to_string())
    }
}
