//! Several questions at once.

use std::future::{Future, poll_fn};
use std::task::Poll;

use super::{Answer, Effect, Host, HostError};

impl Host {
    /// Asks everything at once. Gives the answers, or why there is none, in the order of the
    /// questions, when the last has come.
    pub async fn ask_all(&self, effects: Vec<Effect>) -> Vec<Result<Answer, HostError>> {
        let ask = |effect| (Box::pin(self.ask_one(effect)), None);
        let mut asked: Vec<_> = effects.into_iter().map(ask).collect();
        poll_fn(move |context| {
            let mut waiting = false;
            for (question, answer) in asked.iter_mut().filter(|(_, answer)| answer.is_none()) {
                match question.as_mut().poll(context) {
                    Poll::Ready(came) => *answer = Some(came),
                    Poll::Pending => waiting = true,
                }
            }
            if waiting {
                return Poll::Pending;
            }
            Poll::Ready(asked.iter_mut().filter_map(|(_, answer)| answer.take()).collect())
        })
        .await
    }

    async fn ask_one(&self, effect: Effect) -> Result<Answer, HostError> {
        Ok(match effect {
            Effect::Srv { name } => Answer::Srv(self.srv(&name).await?),
            Effect::Addresses { name } => Answer::Addresses(self.addresses(&name).await?),
            Effect::Https(request) => Answer::Https(self.https(*request).await?),
            Effect::Now => Answer::Now(self.now().await?),
            Effect::Random { bytes } => Answer::Random(self.random(bytes).await?),
            Effect::Sign { message } => Answer::Signature(self.sign(message).await?),
            Effect::Wait { ms } => {
                self.wait(ms).await?;
                Answer::Waited
            }
        })
    }
}
