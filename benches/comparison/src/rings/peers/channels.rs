//! Rivals that can also block; here only their calls that do not.

use std::sync::mpsc as std_mpsc;

use super::{clones, push_pop};
use crate::rings::peer::{Item, Peer, Shape};

pub(crate) struct Crossbeam;
pub(crate) struct Std;
pub(crate) struct Flume;
pub(crate) struct Kanal;

impl<T: Item> Peer<T> for Crossbeam {
    type Tx = crossbeam_channel::Sender<T>;
    type Rx = crossbeam_channel::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = crossbeam_channel::bounded(shape.capacity);
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

push_pop!(
    crossbeam_channel::Sender<T>,
    crossbeam_channel::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv().ok()
);

impl<T: Item> Peer<T> for Std {
    type Tx = std_mpsc::SyncSender<T>;
    type Rx = std_mpsc::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = std_mpsc::sync_channel(shape.capacity);
        (clones(tx, shape.producers), vec![rx])
    }
}

push_pop!(
    std_mpsc::SyncSender<T>,
    std_mpsc::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv().ok()
);

impl<T: Item> Peer<T> for Flume {
    type Tx = flume::Sender<T>;
    type Rx = flume::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = flume::bounded(shape.capacity);
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

push_pop!(
    flume::Sender<T>,
    flume::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv().ok()
);

impl<T: Item> Peer<T> for Kanal {
    type Tx = kanal::Sender<T>;
    type Rx = kanal::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = kanal::bounded(shape.capacity);
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

push_pop!(
    kanal::Sender<T>,
    kanal::Receiver<T>,
    |tx, item| tx.try_send(item).unwrap_or(false),
    |rx| rx.try_recv().unwrap_or(None)
);
