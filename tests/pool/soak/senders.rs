//! Everybody who sends, each in another manner, until the pool takes no more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Scope, ScopedJoinHandle},
    time::Duration,
};

use shared_nothing::pool::{SendError, Sender, WorkerPool};

use super::{
    WORKERS_MAX,
    books::{Books, Dice, KEYS, Tally},
    worker::{Message, What},
};

/// What one sender has at hand.
struct Own<'b> {
    books: &'b Books,
    is_over: &'b AtomicBool,
    tx: Sender<Message>,
    sender: usize,
    dice: Dice,
    accepted: Tally,
}

impl Own<'_> {
    /// A message of a drawn key; one in some thousands kills.
    fn message(&mut self) -> (u64, Message) {
        let key = self.dice.roll(KEYS as u64);
        let number = self.books.new_id();
        let what = match self.dice.roll(8000) {
            0 => What::Kill,
            1 | 2 => What::KillOnce(Arc::default()),
            _ => What::Nothing,
        };
        let message = Message {
            id: number,
            order: Some((self.sender, key, number)),
            what,
        };
        (key, message)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Counts what was accepted. A pool that takes no more ends the sender; a worker that does not, only this message.
    fn sent(&mut self, id: u64, result: Result<(), SendError<Message>>) {
        if result.is_ok() {
            self.accepted.add(id);
        }
    }

    fn by_key(mut self) -> Tally {
        while !self.is_over() {
            let (key, message) = self.message();
            let (id, tx) = (message.id, self.tx.clone());
            let result = match self.dice.roll(16) {
                0 if self.sender == 0 => {
                    tx.send_partitioned_timeout(&key, message, Duration::from_micros(50))
                }
                // All of a sender that is urgent are, or they would overtake the others.
                _ if self.sender == 1 => tx.send_urgent_partitioned(&key, message),
                _ => tx.send_partitioned(&key, message),
            };
            self.sent(id, result);
        }
        self.accepted
    }

    fn by_lane(mut self) -> Tally {
        let mut batcher = self.tx.batcher().expect("there is memory for lanes");
        while !self.is_over() {
            let (key, message) = self.message();
            let id = message.id;
            let result = batcher.send_partitioned(&key, message);
            self.sent(id, result);
            if self.dice.roll(50) == 0 {
                self.take_back(batcher.flush());
            }
        }
        self.take_back(batcher.flush());
        self.accepted
    }

    fn take_back(&mut self, flushed: Result<(), SendError<Vec<Message>>>) {
        let unsent = flushed.err().map(SendError::into_inner);
        for message in unsent.into_iter().flatten() {
            self.accepted.take_out(message.id);
        }
    }

    fn by_batch(mut self) -> Tally {
        while !self.is_over() {
            // Where there is one worker, many of them go by one claim.
            let count = self.dice.roll(80);
            let messages: Vec<_> = (0..count).map(|_| self.message()).collect();
            for (_, message) in &messages {
                self.accepted.add(message.id);
            }
            let result = self.tx.clone().send_batch(messages);
            for message in result.err().map(|error| error.rest).into_iter().flatten() {
                self.accepted.take_out(message.id);
            }
        }
        self.accepted
    }

    fn by_call(mut self) -> Tally {
        let mut caller = self.tx.caller();
        while !self.is_over() {
            let key = self.dice.roll(KEYS as u64);
            let id = self.books.new_id();
            let call = caller.call(&key, |reply| Message {
                id,
                order: None,
                what: What::Ask(reply),
            });
            let Ok(call) = call else { continue };
            self.accepted.add(id);
            let answer = call.wait_timeout(Duration::from_secs(60));
            assert!(answer.is_err() || answer == Ok(id));
            self.books.count("calls", answer);
        }
        self.accepted
    }

    /// To workers by their number, urgent or not, and to all.
    fn by_number(mut self) -> Tally {
        while !self.is_over() {
            let worker = self.dice.roll(WORKERS_MAX as u64) as usize;
            let message = Message {
                id: self.books.new_id(),
                order: None,
                what: What::Nothing,
            };
            let (id, tx) = (message.id, self.tx.clone());
            let result = match self.dice.roll(40) {
                0 => {
                    if let Ok(workers) = tx.broadcast(message) {
                        self.accepted.add_times(id, workers as u64);
                        self.books.row("broadcasts", 1);
                    }
                    continue;
                }
                1..=20 => tx.send_urgent_to(worker, message),
                _ => tx.send_to(worker, message),
            };
            self.sent(id, result);
        }
        self.accepted
    }
}

/// Starts all of them.
pub(crate) fn all<'scope, 'env>(
    threads: &'scope Scope<'scope, 'env>,
    pool: &WorkerPool<Message>,
    books: &'env Books,
    is_over: &'env AtomicBool,
) -> Vec<ScopedJoinHandle<'scope, Tally>> {
    let kinds: [fn(Own<'env>) -> Tally; 6] = [
        Own::by_key,
        Own::by_key,
        Own::by_lane,
        Own::by_batch,
        Own::by_call,
        Own::by_number,
    ];
    let senders = kinds.into_iter().enumerate().map(|(sender, run)| {
        let own = Own {
            books,
            is_over,
            tx: pool.sender(),
            sender,
            dice: Dice::new(books.new_id()),
            accepted: Tally::default(),
        };
        threads.spawn(move || run(own))
    });
    senders.collect()
}
