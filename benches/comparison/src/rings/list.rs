//! Which queue runs in which workload.

use comparison::report::{Class, Kind};
use shared_nothing_rings::wait::{Spin, Yield};

use super::{
    peer::{Bytes64, Bytes256},
    peers::{bytes, channels, disrupt, floors, gil, ours, pairs, queues, waiting},
    workload::{Run, batch, blocking, contend, many, ping_pong, stream, uncontended, wake},
};

/// A queue in a workload.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) class: Class,
    pub(crate) run: Run,
}

/// A workload and all that run in it.
pub(crate) struct Workload {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) entries: Vec<Entry>,
}

const fn ours(name: &'static str, run: Run) -> Entry {
    Entry {
        name,
        kind: Kind::Ours,
        class: Class::Plain,
        run,
    }
}

const fn rival(name: &'static str, run: Run) -> Entry {
    Entry {
        name,
        kind: Kind::Rival,
        class: Class::Plain,
        run,
    }
}

const fn floor(name: &'static str, run: Run) -> Entry {
    Entry {
        name,
        kind: Kind::Floor,
        class: Class::Plain,
        run,
    }
}

const fn machine(name: &'static str, run: Run) -> Entry {
    Entry {
        name,
        kind: Kind::Machine,
        class: Class::Plain,
        run,
    }
}

const fn each_producer(mut entry: Entry) -> Entry {
    entry.class = Class::EachProducer;
    entry
}

/// The queues that can have one producer and one consumer, in a workload of one item at a time.
macro_rules! one_to_one {
    ($workload:path $(, $item:ty)?) => {{
        use $workload as measured;
        vec![
            ours("spsc", measured::<$($item,)? ours::Spsc>),
            ours("stamped", measured::<$($item,)? ours::Stamped>),
            ours("mpsc", measured::<$($item,)? ours::Mpsc>),
            ours("mpmc", measured::<$($item,)? ours::Mpmc>),
            rival("rtrb", measured::<$($item,)? pairs::Rtrb>),
            rival("ringbuf", measured::<$($item,)? pairs::Ringbuf>),
            rival("heapless spsc", measured::<$($item,)? pairs::Heapless>),
            rival("kevy-ring", measured::<$($item,)? pairs::Kevy>),
            rival("nexus-queue spsc", measured::<$($item,)? pairs::Nexus>),
            rival("nexus-queue mpsc", measured::<$($item,)? queues::NexusMpsc>),
            rival("low-latency-data-structures", measured::<$($item,)? pairs::Llds>),
            rival("fq", measured::<$($item,)? pairs::Fq>),
            rival("magnetic spsc", measured::<$($item,)? pairs::Magnetic>),
            rival("gil spsc", measured::<$($item,)? gil::GilSpsc>),
            rival("gil mpsc", measured::<$($item,)? gil::GilMpsc>),
            rival("gil mpmc", measured::<$($item,)? gil::GilMpmc>),
            rival("omango spsc", measured::<$($item,)? queues::OmangoSpsc>),
            rival("omango mpmc", measured::<$($item,)? queues::OmangoMpmc>),
            rival("disruptor one producer", measured::<$($item,)? disrupt::DisruptorSp>),
            rival("crossbeam-queue ArrayQueue", measured::<$($item,)? queues::CrossbeamArray>),
            rival("crossbeam-channel", measured::<$($item,)? channels::Crossbeam>),
            rival("concurrent-queue", measured::<$($item,)? queues::Concurrent>),
            rival("thingbuf", measured::<$($item,)? queues::Thing>),
            rival("std sync_channel", measured::<$($item,)? channels::Std>),
            rival("kanal", measured::<$($item,)? channels::Kanal>),
            rival("flume", measured::<$($item,)? channels::Flume>),
        ]
    }};
}

/// The queues that can have many producers.
macro_rules! many_to_one {
    ($workload:path $(, $count:literal)?) => {{
        use $workload as measured;
        vec![
            ours("mpsc", measured::<ours::Mpsc $(, $count)?>),
            ours("mpmc", measured::<ours::Mpmc $(, $count)?>),
            each_producer(ours("lanes", measured::<ours::Lanes $(, $count)?>)),
            rival("gil mpsc", measured::<gil::GilMpsc $(, $count)?>),
            rival("gil mpmc", measured::<gil::GilMpmc $(, $count)?>),
            each_producer(rival("gil mpsc, sharded", measured::<gil::GilMpscSharded $(, $count)?>)),
            rival("nexus-queue mpsc", measured::<queues::NexusMpsc $(, $count)?>),
            rival("omango mpmc", measured::<queues::OmangoMpmc $(, $count)?>),
            rival("disruptor many producers", measured::<disrupt::DisruptorMp $(, $count)?>),
            rival("crossbeam-queue ArrayQueue", measured::<queues::CrossbeamArray $(, $count)?>),
            rival("crossbeam-channel", measured::<channels::Crossbeam $(, $count)?>),
            rival("concurrent-queue", measured::<queues::Concurrent $(, $count)?>),
            rival("thingbuf", measured::<queues::Thing $(, $count)?>),
            rival("std sync_channel", measured::<channels::Std $(, $count)?>),
            rival("kanal", measured::<channels::Kanal $(, $count)?>),
            rival("flume", measured::<channels::Flume $(, $count)?>),
        ]
    }};
}

/// The queues whose ends park, in a workload of one number at a time.
macro_rules! parking {
    ($workload:path) => {{
        use $workload as measured;
        vec![
            ours("channel, spsc", measured::<waiting::SpscPark>),
            ours("channel, mpsc", measured::<waiting::MpscPark>),
            rival("gil spsc parking", measured::<waiting::GilSpscParking>),
            rival("omango spsc", measured::<queues::OmangoSpsc>),
            rival("crossfire spsc", measured::<waiting::CrossfireSpsc>),
            rival("crossfire mpmc", measured::<waiting::CrossfireMpmc>),
            rival("crossbeam-channel", measured::<channels::Crossbeam>),
            rival("std sync_channel", measured::<channels::Std>),
            rival("kanal", measured::<channels::Kanal>),
            rival("flume", measured::<channels::Flume>),
        ]
    }};
}

/// All workloads, in the order of the report.
pub(crate) fn workloads() -> Vec<Workload> {
    let workload = |id, title, entries| Workload { id, title, entries };
    let with = |mut entries: Vec<Entry>, more: Vec<Entry>| {
        entries.extend(more);
        entries
    };
    vec![
        workload(
            "spsc_u64",
            "1 → 1, a number at a time",
            with(
                one_to_one!(stream::apart, u64),
                vec![floor("slot flag", stream::apart::<u64, floors::SlotFlag>)],
            ),
        ),
        workload(
            "spsc_u64_packed",
            "the same, both handles side by side in one allocation",
            with(
                one_to_one!(stream::packed, u64),
                vec![floor("slot flag", stream::packed::<u64, floors::SlotFlag>)],
            ),
        ),
        workload(
            "spsc_64B",
            "1 → 1, 64 bytes at a time",
            with(
                one_to_one!(stream::apart, Bytes64),
                vec![floor(
                    "slot flag",
                    stream::apart::<Bytes64, floors::SlotFlag>,
                )],
            ),
        ),
        workload(
            "spsc_256B",
            "1 → 1, 256 bytes at a time",
            with(
                one_to_one!(stream::apart, Bytes256),
                vec![floor(
                    "slot flag",
                    stream::apart::<Bytes256, floors::SlotFlag>,
                )],
            ),
        ),
        workload(
            "spsc_batch64",
            "1 → 1, 64 numbers copied at a time",
            copied(),
        ),
        workload(
            "spsc_inplace64",
            "1 → 1, 64 numbers written and read in place",
            in_place(),
        ),
        workload(
            "ping_pong",
            "there and back by two queues",
            with(
                one_to_one!(ping_pong::through),
                vec![
                    floor("slot flag", ping_pong::through::<floors::SlotFlag>),
                    floor("two lines, no queue", ping_pong::two_lines),
                    machine("one line, no queue", ping_pong::one_line),
                ],
            ),
        ),
        workload(
            "uncontended_u64",
            "push and pop on one thread, a number",
            with(
                one_to_one!(uncontended::pair, u64),
                vec![floor(
                    "slot flag",
                    uncontended::pair::<u64, floors::SlotFlag>,
                )],
            ),
        ),
        workload(
            "uncontended_64B",
            "push and pop on one thread, 64 bytes",
            with(
                one_to_one!(uncontended::pair, Bytes64),
                vec![floor(
                    "slot flag",
                    uncontended::pair::<Bytes64, floors::SlotFlag>,
                )],
            ),
        ),
        workload("mpsc_2p", "2 → 1", many_to_one!(many::mpsc, 2)),
        workload("mpsc_4p", "4 → 1", many_to_one!(many::mpsc, 4)),
        workload(
            "mpsc_contend",
            "2 producers collide while the consumer is away",
            many_to_one!(contend::fill_and_drain),
        ),
        workload("mpmc_2p2c", "2 → 2", many_to_many()),
        workload(
            "blocking",
            "1 → 1, a number at a time, by calls that wait",
            with(
                parking!(blocking::stream),
                vec![
                    ours(
                        "channel, spsc, yields",
                        blocking::stream::<waiting::SpscBy<Yield>>,
                    ),
                    ours(
                        "channel, spsc, spins",
                        blocking::stream::<waiting::SpscBy<Spin>>,
                    ),
                    ours(
                        "channel, mpsc, yields",
                        blocking::stream::<waiting::MpscBy<Yield>>,
                    ),
                    ours(
                        "channel, mpsc, spins",
                        blocking::stream::<waiting::MpscBy<Spin>>,
                    ),
                    // What the waiting is added to.
                    ours("spsc, tried again", stream::apart::<u64, ours::Spsc>),
                ],
            ),
        ),
        workload(
            "wake",
            "a number to a consumer that is parked, until it has it",
            with(
                parking!(wake::handled),
                vec![
                    floor("futex", wake::handled::<waiting::Futex>),
                    floor("std park", wake::handled::<waiting::StdPark>),
                ],
            ),
        ),
        workload(
            "wake_send",
            "the send that wakes a parked consumer, until it returns",
            with(
                parking!(wake::send),
                vec![
                    floor("futex", wake::send::<waiting::Futex>),
                    floor("std park", wake::send::<waiting::StdPark>),
                ],
            ),
        ),
    ]
}

fn copied() -> Vec<Entry> {
    vec![
        ours("spsc", batch::copied::<ours::Spsc>),
        rival("rtrb", batch::copied::<pairs::Rtrb>),
        rival("ringbuf", batch::copied::<pairs::Ringbuf>),
        rival("fq", batch::copied::<pairs::Fq>),
        rival("gil spsc", batch::copied::<gil::GilSpsc>),
        rival("bbqueue", batch::copied::<bytes::Bbqueue>),
    ]
}

fn in_place() -> Vec<Entry> {
    vec![
        ours("spsc", batch::in_place::<ours::Spsc>),
        rival("rtrb", batch::in_place::<pairs::Rtrb>),
        rival("ringbuf", batch::in_place::<pairs::Ringbuf>),
        rival("fq", batch::in_place::<pairs::Fq>),
        rival("gil spsc", batch::in_place::<gil::GilSpsc>),
        rival(
            "disruptor one producer",
            batch::in_place::<disrupt::DisruptorSp>,
        ),
    ]
}

fn many_to_many() -> Vec<Entry> {
    vec![
        ours("mpmc", many::mpmc::<ours::Mpmc, 2, 2>),
        rival("gil mpmc", many::mpmc::<gil::GilMpmc, 2, 2>),
        rival("omango mpmc", many::mpmc::<queues::OmangoMpmc, 2, 2>),
        rival(
            "crossbeam-queue ArrayQueue",
            many::mpmc::<queues::CrossbeamArray, 2, 2>,
        ),
        rival("crossbeam-channel", many::mpmc::<channels::Crossbeam, 2, 2>),
        rival("concurrent-queue", many::mpmc::<queues::Concurrent, 2, 2>),
        rival("thingbuf", many::mpmc::<queues::Thing, 2, 2>),
        rival("kanal", many::mpmc::<channels::Kanal, 2, 2>),
        rival("flume", many::mpmc::<channels::Flume, 2, 2>),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rings::workload::Plan;

    #[test]
    fn every_queue_passes_the_checks_of_every_workload() {
        let cpus: Vec<_> = shared_nothing_affinity::usable_cpus()
            .expect("a running thread has a CPU")
            .iter()
            .take(2)
            .collect();
        for workload in workloads() {
            for entry in workload.entries {
                let sample = (entry.run)(Plan {
                    items: 1000,
                    cpus: &cpus,
                });
                assert!(sample.ns > 0.0, "{}: {}", workload.id, entry.name);
            }
        }
    }
}
