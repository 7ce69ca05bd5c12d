//! Messages are moved: what they point to stays where it is, byte buffers and mapped files included.

use std::{
    convert::Infallible,
    ops::Range,
    sync::{Arc, mpsc},
};

use bytes::Bytes;
use shared_nothing::{
    pool::{PoolConfig, WorkerPool},
    worker::{Context, Worker},
};

/// Says where the bytes of each message lie, and hands the message on.
struct Look<M> {
    seen: mpsc::Sender<(usize, M)>,
}

impl<M: AsRef<[u8]> + Send + 'static> Worker for Look<M> {
    type State = ();
    type Message = M;
    type Error = Infallible;

    fn init(&self, _: &Context<Self::Message>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(
        &self,
        (): &mut (),
        message: M,
        _: &Context<Self::Message>,
    ) -> Result<(), Infallible> {
        let address = message.as_ref().as_ptr().addr();
        self.seen.send((address, message)).expect("the test looks");
        Ok(())
    }
}

/// Sends each message by its key to one of two workers, and asserts that each arrives where it lay.
fn assert_moved<M: AsRef<[u8]> + Send + 'static>(messages: Vec<M>) -> Vec<M> {
    let (seen, arrived) = mpsc::channel();
    let config = PoolConfig::new().with_workers(2).with_capacity(16);
    let pool = WorkerPool::start(config, move |_| Look { seen: seen.clone() }).unwrap();
    let mut sent: Vec<usize> = Vec::new();
    for (key, message) in (0_u64..).zip(messages) {
        sent.push(message.as_ref().as_ptr().addr());
        pool.send_partitioned(&key, message).unwrap();
    }
    let report = pool.stop();
    assert!(
        report
            .workers
            .iter()
            .all(|worker| worker.returned.is_empty())
    );
    let (mut addresses, messages): (Vec<usize>, Vec<M>) = arrived.iter().unzip();
    sent.sort_unstable();
    addresses.sort_unstable();
    assert_eq!(addresses, sent);
    messages
}

#[test]
fn bytes_arrive_at_the_address_they_were_sent_from() {
    let whole = Bytes::from((0..=u8::MAX).cycle().take(64 << 10).collect::<Vec<u8>>());
    // Pieces of one buffer, which none of them copies.
    let pieces: Vec<Bytes> = (0..64)
        .map(|piece| whole.slice(piece << 10..(piece + 1) << 10))
        .collect();
    let range = whole.as_ptr_range();
    let arrived = assert_moved(pieces);
    assert_eq!(arrived.len(), 64);
    for piece in arrived {
        assert!(range.contains(&piece.as_ptr()), "a piece left its buffer");
        assert_eq!(piece[..16], (0..16).collect::<Vec<u8>>());
    }
    assert!(
        whole.is_unique(),
        "the pieces are gone, and took nothing along"
    );
}

#[test]
fn vectors_and_boxes_arrive_at_the_address_they_were_sent_from() {
    assert_moved((0..64).map(|n| vec![n; 1000]).collect());
    assert_moved((0..64).map(|n| vec![n; 1000].into_boxed_slice()).collect());
}

/// A piece of a file in memory: who has it, keeps the whole mapping alive.
struct Piece {
    file: Arc<memmap2::Mmap>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.file[self.range.clone()]
    }
}

#[test]
fn pieces_of_a_mapped_file_arrive_in_the_mapping() {
    let mut made = memmap2::MmapMut::map_anon(64 << 10).unwrap();
    made.iter_mut()
        .zip((0..=u8::MAX).cycle())
        .for_each(|(byte, value)| *byte = value);
    let file = Arc::new(made.make_read_only().unwrap());
    let piece = |piece: usize| Piece {
        file: Arc::clone(&file),
        range: piece << 10..(piece + 1) << 10,
    };
    let arrived = assert_moved((0..64).map(piece).collect());
    let range = file.as_ptr_range();
    assert!(
        arrived
            .iter()
            .all(|piece| range.contains(&piece.as_ref().as_ptr()))
    );
    drop(arrived);
    assert_eq!(Arc::strong_count(&file), 1);
}

#[cfg(feature = "bytes")]
#[test]
fn a_key_of_bytes_is_the_key_of_its_content() {
    use shared_nothing::partition::StableHash;

    let key = Bytes::from_static(b"a user:42").slice(2..);
    for seed in [0, 7] {
        assert_eq!(key.stable_hash(seed), "user:42".stable_hash(seed));
    }
}
