//! What follows when workers end, messages kill, and calls fail: decisions, without the deeds.
//!
//! ```
//! use shared_nothing::pool::supervise::{Decision, Ending, Supervision, Supervisor};
//!
//! let mut supervisor = Supervisor::new(Supervision::new(), 2, 0)?;
//! match supervisor.on_end(1, Ending::Panicked, 1_000_000) {
//!     Decision::Restart(plan) => assert_eq!(plan.start, [1]),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), shared_nothing::pool::supervise::PolicyError>(())
//! ```
//!
//! Nothing here starts a thread, reads a clock or draws a random number. Times are nanoseconds since a moment of the
//! caller's choice and only grow; random numbers are the caller's, or come from a seed. So every decision can be
//! repeated, and is tested by a table of events. The pool enacts them.
//!
//! | question | asked of | answer |
//! |---|---|---|
//! | a worker ended: what now? | [`Supervisor`] | restart whom and when, give up, escalate |
//! | how many restarts are too many? | [`Window`] of an [`Intensity`] | exact to the event |
//! | how long to wait? | [`Backoff`] | longer each time, jittered |
//! | a message killed a worker: again? | [`Poison`] | deliver again, or a dead letter |
//! | what was given up? | [`DeadLetters`] | the last ones, the others counted |
//! | a call failed: again? | [`Retry`] | after so long, or not |
//! | a worker does not answer: who takes over? | [`failover()`] | the others, in an order of the key's own |
//! | is a call worth making? | [`Breaker`] | a permit, or a refusal |
//! | does a worker hang? | [`StuckWatch`] | idle, busy, slow, stuck |
//!
//! # Invariants
//!
//! - Any `period` holds at most `restarts` grants of a window; only time empties it. A backoff that begins anew, a
//!   worker that is healthy, an escalation that was answered do not.
//! - Every end of a worker that was not told to stop gets one decision. Ends that follow from a plan are covered by it.
//! - A message that killed is a suspect until it is done or dead: it is never both delivered again and a dead letter.
//!
//! References: Erlang/OTP, *Design Principles: Supervisor Behaviour*; M. Brooker, *Exponential Backoff and Jitter*,
//! 2015; the documentation of Resilience4j, *CircuitBreaker*.
#![forbid(unsafe_code)]

mod backoff;
mod breaker;
mod failover;
mod intensity;
mod letters;
mod outcomes;
mod poison;
mod policy;
mod retry;
mod stuck;
mod supervisor;

pub use backoff::{Backoff, Jitter};
pub use breaker::{Breaker, BreakerOpen, BreakerPolicy, BreakerState, BreakerWindow, Permit};
pub use failover::{Failover, failover};
pub use intensity::{Intensity, Window};
pub use letters::{DeadLetter, DeadLetters};
pub use poison::{Poison, PoisonVerdict};
pub use policy::{Ending, Escalation, PolicyError, Restart, Strategy, Supervision};
pub use retry::{Retry, RetryEnd, RetryVerdict};
pub use stuck::{Pulse, StuckPolicy, StuckWatch};
pub use supervisor::{Decision, Escalated, GiveUpReason, NextStart, RestartPlan, Supervisor};
