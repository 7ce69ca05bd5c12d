//! The client's side of the rows: what it asks of a peer is given as a closure, so that all peers are driven alike.

use std::{
    future::Future,
    hint::spin_loop,
    ops::Range,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Instant,
};

use futures_util::future::join_all;
use shared_nothing_affinity::{CpuId, pin as pin_to};

use super::{
    peer::{Figures, each, percentile},
    plan::{IDLE_BEFORE_WAKE, Plan, WINDOW},
    tally::{self, NOTED, answer},
};

/// Pins this thread for the rest of its life.
///
/// # Panics
///
/// If that cannot be.
pub(crate) fn settle_on(cpu: CpuId) {
    let pinned = pin_to(cpu).expect("the CPU was chosen from the usable ones");
    pinned.into_permanent();
}

/// One call at a time.
pub(crate) async fn calls(plan: Plan, mut call: impl AsyncFnMut(u64) -> u64) -> Figures {
    let mut differs = 0;
    for message in 0..plan.warm_up() {
        differs |= call(message).await ^ answer(message);
    }
    let mut times = Vec::with_capacity(plan.calls() as usize);
    for message in 0..plan.calls() {
        let from = Instant::now();
        let reply = call(message).await;
        times.push(from.elapsed().as_nanos() as u64);
        differs |= reply ^ answer(message);
    }
    assert_eq!(differs, 0, "a wrong answer");
    times.sort_unstable();
    vec![
        ("p50", percentile(&times, 5_000)),
        ("p99", percentile(&times, 9_900)),
        ("p999", percentile(&times, 9_990)),
        ("max", percentile(&times, 10_000)),
    ]
}

/// As many callers as the window is wide, in one task, each with one call at a time.
pub(crate) async fn piped<F>(plan: Plan, call: impl Fn(u64) -> F) -> Figures
where
    F: Future<Output = u64>,
{
    let share = plan.piped() / WINDOW as u64;
    let caller = |index| caller(index * share..(index + 1) * share, &call);
    let from = tally::now_ns();
    let differs = join_all((0..WINDOW as u64).map(caller)).await;
    let took_ns = tally::now_ns() - from;
    assert!(
        differs.iter().all(|differs| *differs == 0),
        "a wrong answer"
    );
    each(took_ns, share * WINDOW as u64)
}

/// A caller's calls, one at a time. Returns in which bits answers were wrong.
pub(crate) async fn caller<F>(messages: Range<u64>, call: impl Fn(u64) -> F) -> u64
where
    F: Future<Output = u64>,
{
    let mut differs = 0;
    for message in messages {
        differs |= call(message).await ^ answer(message);
    }
    differs
}

/// Messages one way, until the last is handled.
pub(crate) async fn told(count: u64, mut tell: impl AsyncFnMut(u64)) -> Figures {
    let from = tally::now_ns();
    for message in 0..count {
        tell(message).await;
    }
    while tally::count() < count {
        relax().await;
    }
    let took_ns = tally::now_ns() - from;
    tally::assert_each_once(count);
    each(took_ns, count)
}

/// Messages to a worker that has been idle for a while. `tell` returns when the send does.
pub(crate) async fn wakes(plan: Plan, mut tell: impl AsyncFnMut(u64)) -> Figures {
    let (mut handled, mut sent) = (Vec::new(), Vec::new());
    tell(0).await;
    for message in 1..=plan.wakes() {
        while tally::count() < message {
            relax().await;
        }
        let idle_from = Instant::now();
        while idle_from.elapsed() < IDLE_BEFORE_WAKE {
            spin_loop();
        }
        let from = tally::now_ns();
        tell(message | NOTED).await;
        sent.push(tally::now_ns() - from);
        let noted = loop {
            match tally::take_noted() {
                Some(at_ns) => break at_ns,
                None => relax().await,
            }
        };
        handled.push(noted.saturating_sub(from));
    }
    handled.sort_unstable();
    sent.sort_unstable();
    vec![
        ("p50", percentile(&handled, 5_000)),
        ("p99", percentile(&handled, 9_900)),
        ("send", percentile(&sent, 5_000)),
    ]
}

/// Tasks one after the other, each awaited before the next.
pub(crate) async fn spawns(plan: Plan, mut spawn: impl AsyncFnMut(u64) -> u64) -> Figures {
    let mut differs = 0;
    let from = tally::now_ns();
    for message in 0..plan.tasks() {
        differs |= spawn(message).await ^ answer(message);
    }
    let took_ns = tally::now_ns() - from;
    assert_eq!(differs, 0, "a task gave another result");
    each(took_ns, plan.tasks())
}

/// A task that yields again and again, alone.
pub(crate) async fn yields(plan: Plan, mut yield_now: impl AsyncFnMut()) -> Figures {
    let from = tally::now_ns();
    for _ in 0..plan.tasks() {
        yield_now().await;
    }
    each(tally::now_ns() - from, plan.tasks())
}

/// Lets other threads run, and other tasks of this one.
pub(crate) async fn relax() {
    thread::yield_now();
    yield_once().await;
}

/// Lets other tasks run, where the peer has nothing of its own for it.
pub(crate) async fn yield_once() {
    YieldOnce { yielded: false }.await;
}

struct YieldOnce {
    yielded: bool,
}

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Runs a future whose parts block their thread, and so is pending in [`relax`] only.
pub(crate) fn block_on_ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Runs a future that needs nothing but its wakes. The thread parks meanwhile.
pub(crate) fn block_on_parked<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            quick: true,
            client: CpuId(0),
            worker: CpuId(0),
        }
    }

    #[test]
    fn a_wrong_answer_is_seen() {
        let right = block_on_ready(calls(plan(), async |message| answer(message)));
        assert_eq!(right.len(), 4);
        let wrong = |at| {
            std::panic::catch_unwind(move || {
                block_on_ready(calls(plan(), async move |message| {
                    answer(message) + u64::from(message == at)
                }))
            })
        };
        assert!(wrong(3).is_err());
        assert!(wrong(u64::MAX).is_ok());
    }

    #[test]
    fn a_window_has_all_its_answers() {
        let call = |message| async move {
            relax().await;
            answer(message)
        };
        assert_eq!(block_on_ready(piped(plan(), call)).len(), 1);
    }
}
