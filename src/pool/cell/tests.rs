use core::task::Waker;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Wake,
    thread,
};

use super::*;

const PATIENCE: Patience = Patience {
    spins: 0,
    yields: 0,
};

struct Count(Mutex<u32>);

impl Count {
    fn read(&self) -> u32 {
        *self.0.lock().expect("nobody panics with it")
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        *self.0.lock().expect("nobody panics with it") += 1;
    }
}

#[test]
fn every_answer_is_dropped_once_whoever_goes_first() {
    // Counts the answers that are there, and itself.
    let answers = Arc::new(());
    let answer = || Arc::clone(&answers);
    let mut kept = Kept::new(PATIENCE);
    for round in 0..20 {
        let (reply, mut call) = kept.pair().expect("nobody has its ends");
        assert!(kept.pair().is_none(), "both have gone before");
        match round % 5 {
            0 => {
                reply.send(answer());
                assert!(kept.pair().is_none(), "the call is there");
                assert!(call.wait().is_ok());
            }
            1 => {
                reply.send(answer());
                drop(call);
            }
            2 => {
                drop(call);
                assert!(reply.is_abandoned() && kept.pair().is_none());
                reply.send(answer());
            }
            3 => {
                reply.send(answer());
                assert!(matches!(call.poll(Waker::noop()), Some(Ok(_))));
                let again = call.poll(Waker::noop());
                assert!(matches!(again, Some(Err(CallError::Cancelled))), "once");
            }
            _ => {
                drop(reply);
                assert_eq!(call.wait().err(), Some(CallError::Cancelled));
            }
        }
        assert_eq!(Arc::strong_count(&answers), 1, "in round {round}");
    }
    let (reply, call) = kept.pair().expect("nobody has its ends");
    drop(kept);
    reply.send(answer());
    drop(call);
    assert_eq!(Arc::strong_count(&answers), 1);
    let (reply, call) = pair(PATIENCE);
    drop(call);
    reply.send(answer());
    assert_eq!(Arc::strong_count(&answers), 1);
}

#[test]
fn an_answer_whose_drop_panics_leaves_the_cell_to_the_next() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("as the test wants it");
        }
    }
    let panics = |code: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(code)).is_err();
    let mut kept = Kept::new(PATIENCE);
    let (reply, call) = kept.pair().expect("nobody has its ends");
    reply.send(Bad);
    let mut call = Some(call);
    assert!(panics(&mut || drop(call.take())));
    let (reply, call) = kept.pair().expect("the call has gone");
    drop(call);
    let mut reply = Some(reply);
    assert!(panics(&mut || reply.take().expect("once").send(Bad)));
    assert!(kept.pair().is_some(), "the reply has gone");
}

#[test]
fn a_cell_used_again_has_forgotten_who_waited() {
    let mut kept = Kept::new(PATIENCE);
    let woken = Arc::new(Count(Mutex::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let (reply, mut call) = kept.pair().expect("nobody has its ends");
    assert!(call.poll(&waker).is_none() && call.poll(&waker).is_none());
    drop(call);
    reply.send(1);
    let (reply, mut call) = kept.pair().expect("nobody has its ends");
    let woken_before = woken.read();
    assert!(call.poll(Waker::noop()).is_none());
    reply.send(2);
    assert_eq!(woken.read(), woken_before);
    assert_eq!(call.poll(&waker), Some(Ok(2)));
}

#[test]
fn who_is_late_does_not_get_the_answer_of_another() {
    let mut kept = Kept::new(PATIENCE);
    let (reply, call) = kept.pair().expect("nobody has its ends");
    assert_eq!(
        call.wait_timeout(Duration::from_millis(1)),
        Err(CallError::TimedOut)
    );
    assert!(kept.pair().is_none(), "it is owed still");
    let other = thread::spawn(move || reply.send(1));
    other.join().expect("it does not panic");
    let (reply, call) = kept.pair().expect("nobody has its ends");
    let other = thread::spawn(move || reply.send(2));
    assert_eq!(call.wait(), Ok(2));
    other.join().expect("it does not panic");
}

#[test]
fn calls_of_many_threads_are_answered() {
    const CALLS: u64 = if cfg!(miri) { 50 } else { 5_000 };
    let (to, from) = std::sync::mpsc::channel::<(u64, ReplyEnd<Box<u64>>)>();
    let other = thread::spawn(move || {
        for (number, reply) in from {
            if number % 7 != 3 {
                reply.send(Box::new(number));
            }
        }
    });
    thread::scope(|threads| {
        for spins in [0, 0, 50] {
            let to = to.clone();
            threads.spawn(move || {
                let patience = Patience { spins, yields: 1 };
                let mut cells = [Kept::new(patience), Kept::new(patience)];
                for number in 0..CALLS {
                    // The reply may still be about to go.
                    let (reply, call) = loop {
                        if let Some(ends) = cells.iter_mut().find_map(Kept::pair) {
                            break ends;
                        }
                        thread::yield_now();
                    };
                    to.send((number, reply)).expect("the other is there");
                    match number % 5 {
                        0 => drop(call),
                        _ if number % 7 == 3 => assert_eq!(call.wait(), Err(CallError::Cancelled)),
                        _ => assert_eq!(call.wait(), Ok(Box::new(number))),
                    }
                }
            });
        }
    });
    drop(to);
    other.join().expect("it does not panic");
}
