//! What went over one way to a worker.
#![forbid(unsafe_code)]

/// A way by which messages come to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelKind {
    /// The ring that all senders share.
    Mailbox,
    /// The ring of urgent messages, if the pool has them.
    Urgent,
    /// The lane of one batcher.
    Lane,
    /// All lanes of batchers that are gone.
    FormerLanes,
    /// What the worker sends itself, also for later.
    Own,
}

impl ChannelKind {
    /// Its name, in lower case, as a label wants it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Urgent => "urgent",
            Self::Lane => "lane",
            Self::FormerLanes => "former_lanes",
            Self::Own => "own",
        }
    }
}

/// What went over one way to a worker so far, read without stopping anybody.
///
/// Each number is exact when it is read, and they are read one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Which way.
    pub kind: ChannelKind,
    /// Messages that went in.
    pub sent: u64,
    /// Messages that came out: to the worker, back to somebody, or dropped to make room.
    pub received: u64,
    /// Messages that were handed back instead: there was no room, or the worker was down or gone. Of a lane, how often
    /// there was none at once.
    pub refused: u64,
    /// Messages that lie there.
    pub depth: u64,
    /// The most that the worker ever saw there, at the end of a batch, those of the batch included.
    pub depth_max: u64,
    /// How many may lie there; 0 if that is not limited.
    pub capacity: u64,
}

impl ChannelStats {
    pub(crate) fn new(kind: ChannelKind, sent: u64, received: u64) -> Self {
        let sent = sent.max(received);
        Self {
            kind,
            sent,
            received,
            refused: 0,
            depth: sent - received,
            depth_max: 0,
            capacity: 0,
        }
    }

    pub(crate) fn with_depth_max(mut self, depth_max: u64) -> Self {
        self.depth_max = depth_max.max(self.depth);
        self
    }

    /// Adds what another one has counted. Of depths' maxima it keeps the larger.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.refused += other.refused;
        self.depth += other.depth;
        self.depth_max = self.depth_max.max(other.depth_max);
        self.capacity += other.capacity;
    }
}
