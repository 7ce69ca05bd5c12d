//! What is measured.

/// A task that peers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Call,
    Pipe,
    Tell,
    TellBatch,
    Keyed,
    Mesh,
    Spawn,
    Yield,
    Wake,
    Idle,
    /// Messages with work in them, over so many workers.
    Scale(usize),
}

/// A number that a row gives. Less is better.
pub(crate) struct Figure {
    /// As it stands in a sample.
    pub(crate) name: &'static str,
    /// What it adds to the row's title.
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
}

const fn figure(name: &'static str, title: &'static str, unit: &'static str) -> Figure {
    Figure { name, title, unit }
}

const CALL: [Figure; 4] = [
    figure("p50", ", median", "ns"),
    figure("p99", ", 99th percentile", "ns"),
    figure("p999", ", 99.9th percentile", "ns"),
    figure("max", ", longest", "ns"),
];
const WAKE: [Figure; 3] = [
    figure("p50", ", until it is handled, median", "ns"),
    figure("p99", ", until it is handled, 99th percentile", "ns"),
    figure("send", ", until the send returns, median", "ns"),
];
const IDLE: [Figure; 2] = [
    figure("cpu", ", CPU time", "µs a second"),
    figure("switches", ", voluntary context switches", "a second"),
];
const EACH: [Figure; 1] = [figure("each", "", "ns")];

impl Row {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 14] = [
        Self::Call,
        Self::Pipe,
        Self::Tell,
        Self::TellBatch,
        Self::Keyed,
        Self::Mesh,
        Self::Spawn,
        Self::Yield,
        Self::Wake,
        Self::Idle,
        Self::Scale(1),
        Self::Scale(2),
        Self::Scale(3),
        Self::Scale(4),
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Pipe => "pipe64",
            Self::Tell => "tell",
            Self::TellBatch => "tell_batch64",
            Self::Keyed => "keyed",
            Self::Mesh => "mesh",
            Self::Spawn => "spawn_join",
            Self::Yield => "yield",
            Self::Wake => "wake",
            Self::Idle => "idle",
            Self::Scale(1) => "scale1",
            Self::Scale(2) => "scale2",
            Self::Scale(3) => "scale3",
            Self::Scale(_) => "scale4",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Call => "a request to a worker on the other core and its answer, one at a time",
            Self::Pipe => "64 requests under way, each",
            Self::Tell => "a million messages one way, each",
            Self::TellBatch => "a million messages one way, handed over 64 at a time, each",
            Self::Keyed => "a million keys over 2 workers, one of them on the client's core, each",
            Self::Mesh => "2 shards, half a million messages each way at once, each",
            Self::Spawn => "a task spawned and awaited on its own thread",
            Self::Yield => "a task lets others run",
            Self::Wake => "a message to a worker that was idle for 3 ms",
            Self::Idle => "4 workers with nothing to do",
            Self::Scale(1) => "messages that are worked on, over 1 worker, each",
            Self::Scale(2) => "messages that are worked on, over 2 workers, each",
            Self::Scale(3) => "messages that are worked on, over 3 workers, each",
            Self::Scale(_) => "messages that are worked on, over 4 workers, each",
        }
    }

    pub(crate) const fn figures(self) -> &'static [Figure] {
        match self {
            Self::Call => &CALL,
            Self::Wake => &WAKE,
            Self::Idle => &IDLE,
            _ => &EACH,
        }
    }

    /// What the table of a figure is called.
    pub(crate) fn table(self, figure: &Figure) -> String {
        match self.figures() {
            [_] => self.name().to_owned(),
            _ => format!("{}_{}", self.name(), figure.name),
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for row in Row::ALL {
            assert_eq!(Row::by_name(row.name()), Some(row));
        }
        assert_eq!(Row::by_name("none"), None);
    }
}
