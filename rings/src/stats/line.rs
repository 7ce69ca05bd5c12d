//! One cache line of counts, and how an end gets hold of one.
//!
//! | field | written by | read by |
//! |---|---|---|
//! | `ends` | whoever takes the line or gives it back | whoever looks for a free line |
//! | the counts | the end that has the line; of the line of the rest, any end, by read-modify-write | that end, and readers |
#![forbid(unsafe_code)]

use crossbeam_utils::CachePadded;

use super::{Counts, StatsRef};
use crate::{
    share::Ends,
    sync::{AtomicUsize, Ordering::Relaxed},
};

/// What one end counts, on a cache line of its own.
#[derive(Debug)]
pub(super) struct Line(CachePadded<Words>);

#[derive(Debug)]
struct Words {
    /// One while an end has the line.
    ends: Ends,
    sent: AtomicUsize,
    received: AtomicUsize,
    refused_full: AtomicUsize,
    refused_closed: AtomicUsize,
    len_max: AtomicUsize,
}

/// All lines, and how many producers ever took one.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'s> {
    pub(super) own: &'s [Line],
    pub(super) rest: &'s Line,
    pub(super) producers: &'s AtomicUsize,
}

impl Line {
    crate::sync::const_constructor! {
        pub(super) fn new() -> Self {
            Self(CachePadded::new(Words {
                ends: Ends::none(),
                sent: AtomicUsize::new(0),
                received: AtomicUsize::new(0),
                refused_full: AtomicUsize::new(0),
                refused_closed: AtomicUsize::new(0),
                len_max: AtomicUsize::new(0),
            }))
        }
    }

    /// Adds what this line has to `sum`.
    pub(super) fn add_to(&self, sum: &mut Counts) {
        let add = |sum: &mut usize, count: &AtomicUsize| {
            // RELAXED: a count; nothing is read by it.
            *sum = sum.wrapping_add(count.load(Relaxed));
        };
        add(&mut sum.sent, &self.0.sent);
        add(&mut sum.received, &self.0.received);
        add(&mut sum.refused_full, &self.0.refused_full);
        add(&mut sum.refused_closed, &self.0.refused_closed);
        // RELAXED: as above.
        sum.len_max = sum.len_max.max(self.0.len_max.load(Relaxed));
    }
}

/// An end's hold on a line. The next end to take the line goes on with its counts, so that the sum loses nothing.
#[derive(Debug)]
pub(super) struct Place<S: StatsRef> {
    stats: S,
    /// Which line; behind the last is that of the rest.
    at: usize,
}

impl<S: StatsRef> Place<S> {
    pub(super) fn take(stats: S) -> Self {
        let own = stats.lines().own;
        let free = own.iter().position(|line| line.0.ends.claim(1));
        let at = free.unwrap_or(own.len());
        Self { stats, at }
    }

    /// A place for another end.
    pub(super) fn take_another(&self) -> Self {
        Self::take(self.stats.clone())
    }

    #[inline(always)]
    pub(super) fn add_sent(&self, count: usize) {
        self.add(|words| &words.sent, count);
    }

    #[inline(always)]
    pub(super) fn add_received(&self, count: usize) {
        self.add(|words| &words.received, count);
    }

    pub(super) fn add_refused_full(&self) {
        self.add(|words| &words.refused_full, 1);
    }

    pub(super) fn add_refused_closed(&self) {
        self.add(|words| &words.refused_closed, 1);
    }

    /// Raises the mark to `len`, and returns where it is.
    pub(super) fn raise_len_max(&self, len: usize) -> usize {
        let lines = self.stats.lines();
        let Some(line) = lines.own.get(self.at) else {
            // RELAXED: a count.
            let before = lines.rest.0.len_max.fetch_max(len, Relaxed);
            return before.max(len);
        };
        let mark = &line.0.len_max;
        // RELAXED: this end's own last store.
        let before = mark.load(Relaxed);
        if before < len {
            // RELAXED: a count.
            mark.store(len, Relaxed);
        }
        before.max(len)
    }

    /// Says that one more producer counts here.
    pub(super) fn join_producers(&self) {
        // RELAXED: a count.
        self.stats.lines().producers.fetch_add(1, Relaxed);
    }

    /// Whether no other producer ever counted here.
    pub(super) fn is_sole_producer(&self) -> bool {
        // RELAXED: a count. Seen late, it costs accuracy for some pushes, as the module says.
        self.stats.lines().producers.load(Relaxed) == 1
    }

    #[inline(always)]
    fn add(&self, pick: impl Fn(&Words) -> &AtomicUsize, count: usize) {
        let lines = self.stats.lines();
        let Some(line) = lines.own.get(self.at) else {
            // RELAXED: a count.
            pick(&lines.rest.0).fetch_add(count, Relaxed);
            return;
        };
        let counter = pick(&line.0);
        // RELAXED: a count that no other end stores: the line is this end's until it drops the place, and share.rs
        // orders the last store of the end before.
        counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed);
    }
}

impl<S: StatsRef> Drop for Place<S> {
    fn drop(&mut self) {
        if let Some(line) = self.stats.lines().own.get(self.at) {
            let _last = line.0.ends.leave();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{super::Stats, Place};

    #[test]
    fn a_line_is_taken_by_one_end_at_a_time_and_used_again() {
        let stats = Stats::<2>::new();
        let mut places = [(); 4].map(|()| Place::take(&stats));
        assert_eq!(places.each_ref().map(|place| place.at), [0, 1, 2, 2]);
        places[3] = Place::take(&stats);
        assert_eq!(places[3].at, 2, "the line of the rest is never free");
        let [first, second, ..] = places;
        drop(first);
        assert_eq!(second.take_another().at, 0);
        assert_eq!(Place::take(&stats).at, 0);
    }
}
