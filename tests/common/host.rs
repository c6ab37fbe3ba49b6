//! A host in memory: a world of DNS records and HTTPS servers, with faults, that remembers what it was
//! asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;

use fedproof::host::{
    Addresses, Answer, Capabilities, Effect, Host, HostError, HostErrorKind, HttpsAnswer,
    HttpsRequest, Notice, Operation, SrvRecord,
};
use fedproof::keys::SigningKey;

/// What a question gets: an answer, or a failure of this kind.
pub type Reply<T> = Result<T, HostErrorKind>;

/// What goes wrong with one effect, by its number.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The connection breaks, the DNS question is lost.
    Drop,
    /// It takes a minute, longer than any limit.
    Delay,
    /// Of a body or a list, half is there.
    Truncate,
    /// The answer is to another question, or no text.
    Garbage,
    /// One bit of the body is another one: that of the byte at this place, counted round and round.
    Corrupt(usize),
    /// The request reaches the server twice.
    Repeat,
}

#[derive(Debug, Clone)]
pub struct World {
    pub capabilities: Capabilities,
    /// SRV records by name.
    pub srv: BTreeMap<String, Reply<Vec<SrvRecord>>>,
    /// Addresses by name: one answer after the other, the last one for good.
    pub addresses: BTreeMap<String, Vec<Reply<Addresses>>>,
    /// What servers answer, by `https://`, the `Host` header and the path.
    pub sites: BTreeMap<String, Reply<HttpsAnswer>>,
    /// What servers answer that stands in no table.
    pub handler: Option<Handler>,
    /// Addresses at which connections fail.
    pub down: BTreeMap<IpAddr, HostErrorKind>,
    /// For which names the server at an address has a certificate; where none are told, for all.
    pub certificates: BTreeMap<IpAddr, Vec<String>>,
    /// The clock, and how far each effect moves it, in milliseconds.
    pub now: i64,
    pub latency: i64,
    /// The key of our server; without one nothing can be signed.
    pub key: Option<Rc<SigningKey>>,
    /// Where randomness comes from.
    pub random: u64,
    /// Faults by the number of the effect, counted without those that ask for the time.
    pub faults: BTreeMap<usize, Fault>,
    /// What was asked, the time left out.
    pub asked: Vec<Effect>,
    /// Which addresses were given for which names.
    pub given: BTreeMap<String, BTreeSet<IpAddr>>,
    /// What conversations told on their way.
    pub notices: Vec<Notice>,
}

/// Answers a request by what it asks.
#[derive(Clone)]
pub struct Handler(pub Rc<Answering>);

type Answering = dyn Fn(&HttpsRequest) -> Option<HttpsAnswer>;

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            capabilities: Capabilities::ALL,
            srv: BTreeMap::new(),
            addresses: BTreeMap::new(),
            sites: BTreeMap::new(),
            handler: None,
            down: BTreeMap::new(),
            certificates: BTreeMap::new(),
            now: 1_700_000_000_000,
            latency: 1,
            key: None,
            random: 7,
            faults: BTreeMap::new(),
            asked: Vec::new(),
            given: BTreeMap::new(),
            notices: Vec::new(),
        }
    }
}

impl World {
    /// Runs a conversation in this world, to its end.
    pub fn run<T, F: Future<Output = T> + 'static>(
        &mut self,
        conversation: impl FnOnce(Host) -> F,
    ) -> T {
        let mut operation = Operation::new(self.capabilities, conversation);
        loop {
            let end = operation.poll();
            self.notices.extend(operation.take_notices());
            if let Poll::Ready(end) = end {
                return end;
            }
            let effects = operation.take_effects();
            assert!(!effects.is_empty(), "it waits for nothing");
            for (id, effect) in effects {
                operation.answer(id, self.answer(&effect));
            }
        }
    }

    /// What was asked, a line each: `srv NAME`, `addresses NAME`,
    /// `https URL at HOST@ADDRESS:PORT as TLS_NAME`.
    pub fn asked_lines(&self) -> Vec<String> {
        self.asked.iter().filter_map(line).collect()
    }

    /// The requests that were made.
    pub fn requests(&self) -> impl Iterator<Item = &HttpsRequest> {
        self.asked.iter().filter_map(|effect| match effect {
            Effect::Https(request) => Some(&**request),
            _ => None,
        })
    }

    pub fn answer(&mut self, effect: &Effect) -> Result<Answer, HostError> {
        if matches!(effect, Effect::Now) {
            return Ok(Answer::Now(self.now));
        }
        let fault = self.faults.get(&self.asked.len()).copied();
        self.asked.push(effect.clone());
        self.now += self.latency;
        match fault {
            Some(Fault::Drop) => return Err(failure(HostErrorKind::Connection)),
            Some(Fault::Delay) => {
                self.now += 60_000;
                return Err(failure(HostErrorKind::TimedOut));
            }
            Some(Fault::Garbage) if !matches!(effect, Effect::Https(_)) => {
                return Ok(Answer::Now(-1));
            }
            _ => {}
        }
        if let Some(Fault::Repeat) = fault {
            let _first = self.honest(effect);
        }
        let mut answer = self.honest(effect)?;
        match (&mut answer, fault) {
            (Answer::Https(answer), Some(Fault::Truncate)) => {
                answer.body.truncate(answer.body.len() / 2);
            }
            (Answer::Https(answer), Some(Fault::Garbage)) => answer.body = vec![0xff, 0, b'{'],
            (Answer::Https(answer), Some(Fault::Corrupt(at))) if !answer.body.is_empty() => {
                let at = at % answer.body.len();
                answer.body[at] ^= 1;
            }
            (Answer::Srv(records), Some(Fault::Truncate)) => records.truncate(records.len() / 2),
            (Answer::Random(bytes), Some(Fault::Truncate)) => bytes.truncate(bytes.len() / 2),
            _ => {}
        }
        if let (Answer::Addresses(found), Effect::Addresses { name }) = (&answer, effect) {
            let addresses = found.addresses.iter().map(IpAddr::to_canonical);
            self.given.entry(name.clone()).or_default().extend(addresses);
        }
        Ok(answer)
    }

    fn honest(&mut self, effect: &Effect) -> Result<Answer, HostError> {
        Ok(match effect {
            Effect::Srv { name } => {
                assert!(self.capabilities.srv, "this host cannot look up SRV records");
                Answer::Srv(self.srv.get(name).cloned().unwrap_or(Ok(vec![])).map_err(failure)?)
            }
            Effect::Addresses { name } => {
                assert!(self.capabilities.addresses, "this host cannot look up addresses");
                Answer::Addresses(self.look_up(name).map_err(failure)?)
            }
            Effect::Https(request) => Answer::Https(self.https(request)?),
            Effect::Now => Answer::Now(self.now),
            Effect::Random { bytes } => {
                let mut byte = || {
                    self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1);
                    (self.random >> 56) as u8
                };
                Answer::Random((0..*bytes).map(|_| byte()).collect())
            }
            Effect::Sign { message } => {
                let key = self.key.as_ref().ok_or_else(|| failure(HostErrorKind::Unsupported))?;
                Answer::Signature(key.sign(message))
            }
            Effect::Wait { ms } => {
                self.now += i64::try_from(*ms).unwrap();
                Answer::Waited
            }
        })
    }

    fn look_up(&mut self, name: &str) -> Reply<Addresses> {
        match self.addresses.get_mut(name) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            None => Ok(Addresses::default()),
        }
    }

    fn https(&mut self, request: &HttpsRequest) -> Result<HttpsAnswer, HostError> {
        assert!(request.time_limit_ms > 0 && request.port > 0);
        let literal: Option<IpAddr> = request.connect_host.parse().ok();
        let address = match (request.address, literal) {
            (Some(address), Some(literal)) => {
                assert_eq!(address, literal.to_canonical(), "another address than the literal");
                address
            }
            (Some(address), None) => {
                let given = self.given.get(&request.connect_host);
                let vetted = given.is_some_and(|given| given.contains(&address));
                assert!(vetted, "{address} was never given for {}", request.connect_host);
                address
            }
            (None, Some(literal)) => literal,
            (None, None) => {
                let found = self.look_up(&request.connect_host).map_err(failure)?;
                *found.addresses.first().ok_or_else(|| failure(HostErrorKind::Unreachable))?
            }
        };
        assert!(request.address.is_none() || self.capabilities.address, "it cannot be told");
        if is_private(address) {
            return Err(failure(HostErrorKind::AddressForbidden));
        }
        if let Some(kind) = self.down.get(&address) {
            return Err(failure(*kind));
        }
        let tls_name = request.tls_name.clone().unwrap_or(address.to_string());
        if self.certificates.get(&address).is_some_and(|names| !names.contains(&tls_name)) {
            return Err(failure(HostErrorKind::Tls));
        }
        let url = format!("https://{}{}", request.host_header, request.target);
        let missing = HttpsAnswer { status: 404, ..Default::default() };
        let by_table = self.sites.get(&url).cloned();
        let handled = || self.handler.as_ref().and_then(|handler| handler.0(request)).map(Ok);
        let answer = by_table.or_else(handled).unwrap_or(Ok(missing)).map_err(failure)?;
        if answer.body.len() > request.max_bytes {
            return Err(failure(HostErrorKind::TooLarge));
        }
        Ok(answer)
    }
}

fn line(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Srv { name } => Some(format!("srv {name}")),
        Effect::Addresses { name } => Some(format!("addresses {name}")),
        Effect::Https(request) => {
            let url = format!("https://{}{}", request.host_header, request.target);
            let address = request.address.map_or("?".to_owned(), |address| address.to_string());
            let tls_name = request.tls_name.as_deref().unwrap_or("-");
            let (host, port) = (&request.connect_host, request.port);
            Some(format!("https {url} at {host}@{address}:{port} as {tls_name}"))
        }
        _ => None,
    }
}

pub fn failure(kind: HostErrorKind) -> HostError {
    HostError::new(kind, format!("the world says {}", kind.code()))
}

/// What hosts refuse: private, loopback, link-local.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}
