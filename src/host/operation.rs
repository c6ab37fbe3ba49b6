//! The driver: what waits for which effect.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::effect::{
    Addresses, Answer, Capabilities, Effect, HttpsAnswer, HttpsRequest, Notice, SrvRecord,
};
use super::error::{HostError, HostErrorKind};

/// Tells the effects of one operation apart.
pub type EffectId = u32;

type Result<T> = std::result::Result<T, HostError>;

/// What a conversation asks. Clones ask on behalf of the same operation.
#[derive(Clone)]
pub struct Host {
    desk: Rc<RefCell<Desk>>,
    capabilities: Capabilities,
}

/// Questions on their way out and answers on their way in.
#[derive(Default)]
struct Desk {
    next: EffectId,
    /// Asked and not yet taken.
    asked: Vec<(EffectId, Effect)>,
    /// Not yet answered, or the answer not yet picked up.
    open: HashMap<EffectId, Open>,
    /// Taken, and nobody waits for the answer any more.
    dropped: Vec<EffectId>,
    notices: Vec<Notice>,
}

struct Open {
    answer: Option<Result<Answer>>,
    waker: Waker,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl Host {
    fn new(capabilities: Capabilities) -> Self {
        Self { desk: Rc::default(), capabilities }
    }

    /// What the host is able to do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The SRV records of a name, in no order; none if there are none.
    ///
    /// # Errors
    /// The question could not be settled: that is not the same as no records.
    pub async fn srv(&self, name: &str) -> Result<Vec<SrvRecord>> {
        match self.ask(Effect::Srv { name: name.to_owned() }).await? {
            Answer::Srv(records) => Ok(records),
            _ => Err(of_other_kind("srv")),
        }
    }

    /// The addresses of a name; none if there are none.
    ///
    /// # Errors
    /// The question could not be settled: that is not the same as no addresses.
    pub async fn addresses(&self, name: &str) -> Result<Addresses> {
        match self.ask(Effect::Addresses { name: name.to_owned() }).await? {
            Answer::Addresses(addresses) => Ok(addresses),
            _ => Err(of_other_kind("addresses")),
        }
    }

    /// Makes an HTTPS request.
    ///
    /// # Errors
    /// There was no answer. A status that tells of an error is an answer.
    pub async fn https(&self, request: HttpsRequest) -> Result<HttpsAnswer> {
        let (most, limit) = (request.max_bytes, Effect::Https(Box::new(request)));
        match self.ask(limit).await? {
            Answer::Https(answer) if answer.body.len() > most => Err(HostError::new(
                HostErrorKind::TooLarge,
                format!("the answer has more than {most} bytes"),
            )),
            Answer::Https(answer) => Ok(answer),
            _ => Err(of_other_kind("https")),
        }
    }

    /// The time, in milliseconds since 1970.
    ///
    /// # Errors
    /// The clock failed.
    pub async fn now(&self) -> Result<i64> {
        match self.ask(Effect::Now).await? {
            Answer::Now(ms) => Ok(ms),
            _ => Err(of_other_kind("now")),
        }
    }

    /// Bytes that nobody can guess.
    ///
    /// # Errors
    /// There are none to be had, or fewer than asked for.
    pub async fn random(&self, bytes: usize) -> Result<Vec<u8>> {
        match self.ask(Effect::Random { bytes }).await? {
            Answer::Random(random) if random.len() == bytes => Ok(random),
            Answer::Random(random) => Err(HostError::new(
                HostErrorKind::Failed,
                format!("the host gave {} random bytes, not {bytes}", random.len()),
            )),
            _ => Err(of_other_kind("random")),
        }
    }

    /// Our server's signature of a message.
    ///
    /// # Errors
    /// There is no key, or what holds it failed.
    pub async fn sign(&self, message: Vec<u8>) -> Result<[u8; 64]> {
        match self.ask(Effect::Sign { message }).await? {
            Answer::Signature(signature) => Ok(signature),
            _ => Err(of_other_kind("sign")),
        }
    }

    /// Pauses; with 0 ms, lets others run.
    ///
    /// # Errors
    /// The host cannot.
    pub async fn wait(&self, ms: u64) -> Result<()> {
        match self.ask(Effect::Wait { ms }).await? {
            Answer::Waited => Ok(()),
            _ => Err(of_other_kind("wait")),
        }
    }

    /// Tells something to whoever listens.
    pub fn tell(&self, notice: Notice) {
        self.desk.borrow_mut().notices.push(notice);
    }

    fn ask(&self, effect: Effect) -> Ask {
        Ask { desk: Rc::clone(&self.desk), effect: Some(effect), id: None }
    }
}

fn of_other_kind(asked: &str) -> HostError {
    HostError::new(HostErrorKind::Failed, format!("what the host answered is no answer to {asked}"))
}

/// An effect that is waited for. It is asked for when this is first polled.
struct Ask {
    desk: Rc<RefCell<Desk>>,
    effect: Option<Effect>,
    id: Option<EffectId>,
}

impl Future for Ask {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut desk = this.desk.borrow_mut();
        if let Some(effect) = this.effect.take() {
            this.id = Some(desk.ask(effect, context.waker()));
            return Poll::Pending;
        }
        match this.id.map(|id| (id, desk.pick_up(id, context.waker()))) {
            Some((_, None)) => Poll::Pending,
            Some((_, Some(answer))) => {
                this.id = None;
                Poll::Ready(answer)
            }
            // Polled again after its end, which nobody should do: it stays unanswered.
            None => Poll::Pending,
        }
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.desk.borrow_mut().give_up(id);
        }
    }
}

impl Desk {
    fn ask(&mut self, effect: Effect, waker: &Waker) -> EffectId {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.asked.push((id, effect));
        self.open.insert(id, Open { answer: None, waker: waker.clone() });
        id
    }

    fn pick_up(&mut self, id: EffectId, waker: &Waker) -> Option<Result<Answer>> {
        let open = self.open.get_mut(&id)?;
        let answer = open.answer.take();
        if answer.is_some() {
            self.open.remove(&id);
        } else {
            open.waker.clone_from(waker);
        }
        answer
    }

    fn give_up(&mut self, id: EffectId) {
        let open = self.open.remove(&id);
        let taken = !self.asked.iter().any(|(asked, _)| *asked == id);
        self.asked.retain(|(asked, _)| *asked != id);
        if taken && open.is_some_and(|open| open.answer.is_none()) {
            self.dropped.push(id);
        }
    }
}

/// A conversation that is under way.
pub struct Operation<T> {
    /// `None` once it has ended.
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    desk: Rc<RefCell<Desk>>,
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("ended", &self.future.is_none()).finish_non_exhaustive()
    }
}

impl<T> Operation<T> {
    /// A conversation with a host of these capabilities. Nothing happens before [`Self::poll`].
    pub fn new<F>(capabilities: Capabilities, conversation: impl FnOnce(Host) -> F) -> Self
    where
        F: Future<Output = T> + 'static,
    {
        let host = Host::new(capabilities);
        let desk = Rc::clone(&host.desk);
        Self { future: Some(Box::pin(conversation(host))), desk }
    }

    /// Runs as far as it comes without further answers. `Ready` once, at the end; after it, `Pending`.
    pub fn poll(&mut self) -> Poll<T> {
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        // Whoever holds the operation polls it after each answer: nobody needs to be woken.
        let end = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if end.is_ready() {
            self.future = None;
        }
        end
    }

    /// What is now asked for and was not yet taken.
    pub fn take_effects(&mut self) -> Vec<(EffectId, Effect)> {
        std::mem::take(&mut self.desk.borrow_mut().asked)
    }

    /// Effects that were taken and whose answer nobody waits for any more.
    pub fn take_dropped(&mut self) -> Vec<EffectId> {
        std::mem::take(&mut self.desk.borrow_mut().dropped)
    }

    /// What was told since the last time.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.desk.borrow_mut().notices)
    }

    /// Delivers an answer. One that nobody waits for, or a second one, changes nothing.
    pub fn answer(&mut self, id: EffectId, answer: Result<Answer>) {
        let waker = self.desk.borrow_mut().open.get_mut(&id).and_then(|open| {
            let first = open.answer.is_none();
            first.then(|| {
                open.answer = Some(answer);
                open.waker.clone()
            })
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
