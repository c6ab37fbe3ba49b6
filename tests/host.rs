//! Operations: effects go out, answers come in, and nothing is left behind.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use fedproof::codes;
use fedproof::host::{
    Addresses, Answer, Capabilities, Effect, Host, HostError, HostErrorKind, HttpsAnswer,
    HttpsRequest, Notice, Operation, Redirects,
};

fn request(max_bytes: usize) -> HttpsRequest {
    HttpsRequest {
        connect_host: "a.test".into(),
        address: Some("192.0.2.1".parse().unwrap()),
        port: 8448,
        host_header: "a.test".into(),
        tls_name: Some("a.test".into()),
        method: "GET",
        target: "/".into(),
        headers: vec![],
        body: None,
        max_bytes,
        time_limit_ms: 1000,
        redirects: Redirects::GiveBack,
    }
}

/// Both, at once.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    poll_fn(move |context| {
        if first.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(context)
        {
            second = Some(value);
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (one, two) => {
                (first, second) = (one, two);
                Poll::Pending
            }
        }
    })
    .await
}

/// Runs an operation, answering by `answer`.
fn run<T>(
    mut operation: Operation<T>,
    mut answer: impl FnMut(&Effect) -> Result<Answer, HostError>,
) -> T {
    loop {
        if let Poll::Ready(end) = operation.poll() {
            return end;
        }
        let effects = operation.take_effects();
        assert!(!effects.is_empty(), "it waits for nothing");
        for (id, effect) in effects {
            operation.answer(id, answer(&effect));
        }
    }
}

async fn ask_all(host: Host) -> Result<(usize, usize, u16, i64, usize), HostError> {
    let srv = host.srv("_matrix-fed._tcp.a.test").await?.len();
    let addresses = host.addresses("a.test").await?.addresses.len();
    let status = host.https(request(10)).await?.status;
    let now = host.now().await?;
    let random = host.random(16).await?.len();
    assert_eq!(host.sign(b"message".to_vec()).await?, [7; 64]);
    host.wait(5).await?;
    Ok((srv, addresses, status, now, random))
}

fn good(effect: &Effect) -> Result<Answer, HostError> {
    Ok(match effect {
        Effect::Srv { .. } => Answer::Srv(vec![]),
        Effect::Addresses { .. } => Answer::Addresses(Addresses::default()),
        Effect::Https(_) => Answer::Https(HttpsAnswer { status: 204, ..Default::default() }),
        Effect::Now => Answer::Now(77),
        Effect::Random { bytes } => Answer::Random(vec![1; *bytes]),
        Effect::Sign { message } => {
            assert_eq!(message, b"message");
            Answer::Signature([7; 64])
        }
        Effect::Wait { .. } => Answer::Waited,
    })
}

#[test]
fn every_effect_gets_its_answer() {
    let operation = Operation::new(Capabilities::ALL, ask_all);
    assert_eq!(run(operation, good), Ok((0, 0, 204, 77, 16)));
}

#[test]
fn an_answer_of_another_kind_is_a_typed_error() {
    for wrong in ["srv", "addresses", "https", "now", "random", "sign", "wait"] {
        let operation = Operation::new(Capabilities::ALL, ask_all);
        let end = run(operation, |effect| match effect.name() == wrong {
            true if wrong == "now" => Ok(Answer::Waited),
            true => Ok(Answer::Now(1)),
            false => good(effect),
        });
        assert_eq!(end.unwrap_err().code(), "host_failed", "{wrong}");
    }
}

#[test]
fn a_failure_reaches_the_one_who_asked() {
    for kind in HostErrorKind::ALL {
        let operation = Operation::new(Capabilities::ALL, ask_all);
        let end = run(operation, |_| Err(HostError::new(kind, "it failed")));
        assert_eq!(end.unwrap_err(), HostError::new(kind, "it failed"));
        assert_eq!(HostErrorKind::of(kind.code()), Some(kind));
        assert!(codes::find(kind.code()).is_some(), "{}", kind.code());
    }
    assert_eq!(HostErrorKind::of("host_"), None);
}

#[test]
fn too_much_is_refused_even_if_the_host_let_it_pass() {
    for (length, most, fits) in [(10, 10, true), (11, 10, false)] {
        let operation = Operation::new(Capabilities::ALL, async move |host| {
            host.https(request(most)).await.map(|answer| answer.body.len())
        });
        let end = run(operation, |_| {
            Ok(Answer::Https(HttpsAnswer { body: vec![0; length], ..Default::default() }))
        });
        assert_eq!(end.is_ok(), fits);
        assert!(end.is_ok_and(|length| length == 10) || !fits);
    }
    let operation = Operation::new(Capabilities::ALL, async |host| host.random(8).await);
    let end = run(operation, |_| Ok(Answer::Random(vec![0; 7])));
    assert_eq!(end.unwrap_err().code(), "host_failed");
}

#[test]
fn what_is_asked_at_once_goes_out_at_once_and_may_be_answered_in_any_order() {
    let mut operation = Operation::new(Capabilities::ALL, async |host| {
        let (now, random) = both(host.now(), host.random(2)).await;
        (now.unwrap(), random.unwrap())
    });
    assert!(operation.poll().is_pending());
    let effects = operation.take_effects();
    assert_eq!(effects.len(), 2);
    assert!(operation.take_effects().is_empty(), "an effect is given out once");
    operation.answer(effects[1].0, Ok(Answer::Random(vec![3, 4])));
    assert!(operation.poll().is_pending());
    operation.answer(effects[0].0, Ok(Answer::Now(5)));
    assert_eq!(operation.poll(), Poll::Ready((5, vec![3, 4])));
    assert!(operation.poll().is_pending(), "after its end nothing happens");
}

#[test]
fn questions_asked_all_at_once_are_answered_in_their_order() {
    let questions = vec![
        Effect::Now,
        Effect::Random { bytes: 2 },
        Effect::Https(Box::new(request(1))),
        Effect::Wait { ms: 0 },
        Effect::Srv { name: "a.test".into() },
        Effect::Addresses { name: "a.test".into() },
    ];
    let ask = async move |host: Host| host.ask_all(questions).await;
    let mut operation = Operation::new(Capabilities::ALL, ask);
    assert!(operation.poll().is_pending());
    let effects = operation.take_effects();
    assert_eq!(effects.len(), 6, "all go out before any is answered");
    for (id, effect) in effects.iter().rev() {
        assert!(operation.poll().is_pending());
        operation.answer(*id, good(effect));
    }
    let Poll::Ready(answers) = operation.poll() else { panic!("all were answered") };
    let asked: Vec<_> = effects.iter().map(|(_, effect)| good(effect)).collect();
    assert_eq!(answers, asked);
}

#[test]
fn one_of_many_questions_may_fail_and_none_need_be_asked() {
    let ask = async |host: Host| {
        let few = host.ask_all(vec![]).await.len();
        (few, host.ask_all(vec![Effect::Now, Effect::Random { bytes: 3 }]).await)
    };
    let (few, answers) = run(Operation::new(Capabilities::ALL, ask), |effect| match effect {
        Effect::Random { .. } => Ok(Answer::Random(vec![1])),
        other => good(other),
    });
    assert_eq!((few, &answers[0]), (0, &Ok(Answer::Now(77))));
    assert_eq!(answers[1].as_ref().unwrap_err().code(), "host_failed", "too few bytes");
}

#[test]
fn a_second_answer_and_one_to_nothing_change_nothing() {
    let mut operation = Operation::new(Capabilities::ALL, async |host| {
        let first = host.now().await.unwrap();
        (first, host.now().await.unwrap())
    });
    assert!(operation.poll().is_pending());
    let (id, _) = operation.take_effects().remove(0);
    operation.answer(id + 7, Ok(Answer::Now(0)));
    operation.answer(id, Ok(Answer::Now(1)));
    operation.answer(id, Ok(Answer::Now(2)));
    assert!(operation.poll().is_pending());
    operation.answer(id, Ok(Answer::Now(3)));
    let (next, _) = operation.take_effects().remove(0);
    operation.answer(next, Ok(Answer::Now(4)));
    assert_eq!(operation.poll(), Poll::Ready((1, 4)));
}

#[test]
fn what_nobody_waits_for_any_more_is_told() {
    let mut operation = Operation::new(Capabilities::ALL, async |host| {
        {
            let mut forgotten = pin!(host.now());
            poll_fn(|context| {
                assert!(forgotten.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            host.wait(0).await.unwrap();
        }
        host.random(1).await.unwrap()
    });
    assert!(operation.poll().is_pending());
    let effects = operation.take_effects();
    assert_eq!(effects.len(), 2);
    operation.answer(effects[1].0, Ok(Answer::Waited));
    assert!(operation.poll().is_pending());
    assert_eq!(operation.take_dropped(), [effects[0].0]);
    assert!(operation.take_dropped().is_empty());
}

#[test]
fn dropping_an_operation_frees_what_it_holds() {
    let held = Rc::new(Cell::new(0));
    let kept = Rc::clone(&held);
    let mut operation = Operation::new(Capabilities::ALL, async move |host| {
        host.now().await.unwrap();
        kept.set(1);
    });
    assert!(operation.poll().is_pending());
    assert_eq!(Rc::strong_count(&held), 2);
    drop(operation);
    assert_eq!((Rc::strong_count(&held), held.get()), (1, 0));
}

#[test]
fn notices_come_out_in_order() {
    let mut operation = Operation::new(Capabilities::ALL, async |host: Host| {
        for done in 0..3 {
            host.tell(Notice::Progress { stage: "testing", done, total: Some(3) });
        }
    });
    assert!(operation.poll().is_ready());
    let done = operation.take_notices().into_iter().map(|notice| match notice {
        Notice::Progress { done, .. } => done,
        Notice::ServerKeys { .. } => panic!("no keys were told"),
    });
    assert_eq!(done.collect::<Vec<_>>(), [0, 1, 2]);
    assert!(operation.take_notices().is_empty());
}
