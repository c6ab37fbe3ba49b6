//! A federation in memory: our server, and others that answer by rules. Whatever reaches them has to be
//! signed as it should, over exactly the bytes that were sent.

use std::cell::RefCell;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;

use fedproof::federation::client::Client;
use fedproof::host::{Addresses, Host, HttpsAnswer, HttpsRequest};
use fedproof::keys::{KeyRing, KnownKey, PublicKey, SigningKey};
use fedproof::request_auth::{ReceivedRequest, Receiver, verify_request};
use serde_json::{Value, json};

use super::host::{Handler, World};
use super::make::{key_answer, key_response};
use super::model::Signer25519;

/// Our server.
pub const HERE: &str = "here.example";
/// Our user.
pub const ME: &str = "@me:here.example";
/// The ID of our key.
pub const KEY_ID: &str = "ed25519:here";

/// A request as it reached a server.
#[derive(Debug, Clone)]
pub struct Call {
    pub server: String,
    /// Method and target.
    pub line: String,
    pub body: Option<Value>,
}

type Route = (String, String, Box<dyn Fn(&Call) -> HttpsAnswer>);

pub struct Fed {
    pub world: World,
    pub client: Rc<Client>,
    pub keys: Rc<RefCell<KeyRing>>,
    pub calls: Rc<RefCell<Vec<Call>>>,
    routes: Rc<RefCell<Vec<Route>>>,
}

impl Fed {
    /// Our server and these others, and no keys but ours. Of the others, some are notaries.
    pub fn new(servers: &[&str], notaries: &[&str]) -> Self {
        let keys = Rc::new(RefCell::new(our_ring()));
        let notaries = notaries.iter().map(|notary| (*notary).to_owned()).collect();
        let client = Client::new(HERE, Some(KEY_ID), Rc::clone(&keys), notaries);
        let calls: Rc<RefCell<Vec<Call>>> = Rc::default();
        let routes: Rc<RefCell<Vec<Route>>> = Rc::default();
        let mut world = World { key: Some(Rc::new(our_key())), latency: 0, ..World::default() };
        let (ring, heard, answers) = (our_ring(), Rc::clone(&calls), Rc::clone(&routes));
        let handler = move |request: &HttpsRequest| {
            let call = receive(request, &ring);
            let routes = answers.borrow();
            let route = routes.iter().rev().find(|(server, start, _)| {
                *server == call.server && call.line.starts_with(start.as_str())
            });
            let answer = route.map(|(_, _, answer)| answer(&call));
            heard.borrow_mut().push(call);
            answer
        };
        world.handler = Some(Handler(Rc::new(handler)));
        let mut fed = Self { world, client: Rc::new(client), keys, calls, routes };
        for server in servers {
            fed.place(server);
        }
        fed
    }

    /// Gives a server an address.
    pub fn place(&mut self, server: &str) {
        let number = u32::try_from(self.world.addresses.len()).unwrap();
        let address = IpAddr::from((0xc612_0000 + number).to_be_bytes());
        let addresses = Addresses { addresses: vec![address], canonical_name: None };
        self.world.addresses.insert(server.to_owned(), vec![Ok(addresses)]);
    }

    /// A server does not listen any more.
    pub fn take_down(&mut self, server: &str) {
        self.world.addresses.remove(server);
    }

    /// What a server answers to requests that begin so. The last rule that fits counts.
    pub fn on(&self, server: &str, start: &str, answer: impl Fn(&Call) -> HttpsAnswer + 'static) {
        let route = (server.to_owned(), start.to_owned(), Box::new(answer) as Box<_>);
        self.routes.borrow_mut().push(route);
    }

    /// The same, for an answer that does not depend on the request.
    pub fn say(&self, server: &str, start: &str, status: u16, body: &Value) {
        let answer = answer(status, body);
        self.on(server, start, move |_| answer.clone());
    }

    /// The keys of a server at itself.
    pub fn publish(&self, key: &Signer25519) {
        let until = self.world.now + DAY;
        self.publish_document(key.server, &key_response(&key_answer(&[key], &[], until), &[key]));
    }

    pub fn publish_document(&self, server: &str, document: &[u8]) {
        let answer = HttpsAnswer { status: 200, headers: vec![], body: document.to_vec() };
        self.on(server, KEYS, move |_| answer.clone());
    }

    /// Holds a conversation, to its end.
    pub fn run<T, F: Future<Output = T> + 'static>(
        &mut self,
        conversation: impl FnOnce(Rc<Client>, Host) -> F,
    ) -> T {
        let client = Rc::clone(&self.client);
        self.world.run(move |host| conversation(client, host))
    }

    /// The requests that reached servers, but for the search for these and for their keys: server and
    /// line.
    pub fn lines(&self) -> Vec<String> {
        let calls = self.calls.borrow();
        let told = calls.iter().filter(|call| call.line.contains("/_matrix/"));
        told.filter(|call| !call.line.starts_with(KEYS))
            .map(|call| format!("{} {}", call.server, call.line))
            .collect()
    }

    /// The requests for keys.
    pub fn key_calls(&self) -> Vec<Call> {
        let calls = self.calls.borrow();
        calls.iter().filter(|call| call.line.contains("/_matrix/key/")).cloned().collect()
    }
}

pub const DAY: i64 = 24 * 60 * 60 * 1000;
pub const KEYS: &str = "GET /_matrix/key/v2/server";

pub fn answer(status: u16, body: &Value) -> HttpsAnswer {
    HttpsAnswer { status, headers: vec![], body: body.to_string().into_bytes() }
}

pub fn refusal(status: u16, errcode: &str) -> HttpsAnswer {
    answer(status, &json!({"errcode": errcode, "error": "no"}))
}

pub fn our_key() -> SigningKey {
    SigningKey::from_seed(KEY_ID, &[7; 32]).unwrap()
}

/// A ring with our key.
pub fn our_ring() -> KeyRing {
    let mut ring = KeyRing::default();
    let key = PublicKey::from_base64(&our_key().public_key()).unwrap();
    let known = KnownKey { key, valid_until_ts: None, expired_ts: None, fetched_ts: None };
    ring.add_trusted(HERE, KEY_ID, known).unwrap();
    ring
}

/// Takes a request as a server does: it must be signed if and only if its endpoint asks for it.
fn receive(request: &HttpsRequest, ring: &KeyRing) -> Call {
    let server = request.host_header.clone();
    let headers = request.headers.iter().filter(|(name, _)| *name == "authorization");
    let headers: Vec<&[u8]> = headers.map(|(_, value)| value.as_bytes()).collect();
    let is_open = ["/_matrix/federation/v1/version", "/_matrix/federation/v1/openid/"]
        .iter()
        .any(|open| request.target.starts_with(open))
        || request.target.starts_with("/_matrix/key/")
        || request.target.starts_with("/.well-known/");
    assert_eq!(headers.is_empty(), is_open, "{request:?}");
    if !is_open {
        let received = ReceivedRequest {
            method: request.method,
            uri: &request.target,
            authorization: &headers,
            body: request.body.as_deref(),
        };
        let receiver = Receiver { server_names: &[&server], now: 1, evidence: false };
        let origin = verify_request(received, receiver, ring).result.unwrap().origin;
        assert_eq!(origin, HERE);
    }
    let has_type = request.headers.contains(&("content-type", "application/json".to_owned()));
    assert_eq!(has_type, request.body.is_some());
    let body = request.body.as_ref().map(|body| serde_json::from_slice(body).unwrap());
    Call { line: format!("{} {}", request.method, request.target), server, body }
}
