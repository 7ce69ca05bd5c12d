//! The pool: messages by key from a plain thread, one at a time or by the batch, and calls.

use std::{cell::RefCell, convert::Infallible};

use comparison::report::{Class, Kind};
use shared_nothing::{
    pool::{Batcher, PoolConfig, Sender, WorkerPool},
    worker::{Context, Worker},
};
use shared_nothing_affinity::{CpuId, Placement};
use shared_nothing_rings::channel::{MpscReceiver, MpscSender, mpsc};

use crate::runtime::{
    drive::{self, block_on_ready, settle_on},
    idle,
    peer::{Figures, Peer, each, not_offered},
    plan::{CAPACITY, IDLE_WORKERS, Plan, SCALE_WORK, WINDOW},
    row::Row,
    tally::{self, Tally, answer},
};

pub(crate) struct Pool {
    name: &'static str,
    parks: bool,
    batches: bool,
}

pub(crate) const DEFAULT: Pool = Pool {
    name: "pool",
    parks: false,
    batches: false,
};
pub(crate) const PARK: Pool = Pool {
    name: "pool, parks",
    parks: true,
    batches: false,
};
pub(crate) const BATCHER: Pool = Pool {
    name: "pool, batcher",
    parks: false,
    batches: true,
};

impl Peer for Pool {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn class(&self, row: Row) -> Class {
        if row == Row::Call && !self.parks {
            Class::Awake
        } else {
            Class::Plain
        }
    }

    fn rows(&self) -> Vec<Row> {
        let scale = [1, 2, 3, 4].map(Row::Scale);
        if self.batches {
            return [&[Row::TellBatch][..], &scale].concat();
        }
        let waiting = [Row::Call, Row::Pipe, Row::Wake, Row::Idle];
        if self.parks {
            return waiting.into();
        }
        [&waiting[..], &[Row::Tell, Row::Keyed], &scale].concat()
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        if let Row::Scale(_) = row {
            tally::set_work(SCALE_WORK);
        }
        match row {
            Row::Call => self.calls(plan),
            Row::Pipe => self.piped(plan),
            Row::Wake => self.wakes(plan),
            Row::Idle => self.idle(plan),
            Row::Tell => self.spread(plan, 1, plan.messages()),
            Row::Keyed => self.spread(plan, 2, plan.messages()),
            Row::TellBatch => self.batched(plan, 1, plan.messages()),
            Row::Scale(workers) if self.batches => self.batched(plan, workers, plan.worked()),
            Row::Scale(workers) => self.spread(plan, workers, plan.worked()),
            _ => not_offered(row),
        }
    }
}

impl Pool {
    fn start<W: Worker + 'static>(
        &self,
        cpus: Vec<CpuId>,
        make: fn() -> W,
    ) -> WorkerPool<W::Message> {
        let mut config = PoolConfig::new()
            .with_workers(cpus.len())
            .with_placement(Placement::List(cpus))
            .with_capacity(CAPACITY);
        if self.parks {
            config = config.with_spins(0).with_yields(0);
        }
        WorkerPool::start(config, move |_| make()).expect("the settings are valid")
    }

    fn spread(&self, plan: Plan, workers: usize, count: u64) -> Figures {
        let pool = self.start(plan.cpus_of(workers), || Counter);
        settle_on(plan.client);
        let sender = pool.sender();
        block_on_ready(drive::told(count, async |message| {
            let sent = sender.send_partitioned(&message, message);
            sent.expect("the worker is there");
        }))
    }

    fn batched(&self, plan: Plan, workers: usize, count: u64) -> Figures {
        let pool = self.start(plan.cpus_of(workers), || Counter);
        settle_on(plan.client);
        let mut batcher = batcher(&pool);
        block_on_ready(drive::told(count, async |message| {
            let sent = batcher.send_partitioned(&message, message);
            sent.expect("the worker is there");
            if message + 1 == count {
                batcher.flush().expect("the workers are there");
            }
        }))
    }

    fn wakes(&self, plan: Plan) -> Figures {
        let pool = self.start(plan.cpus_of(1), || Counter);
        settle_on(plan.client);
        let sender = pool.sender();
        block_on_ready(drive::wakes(plan, async |message| {
            sender.send_to(0, message).expect("the worker is there");
        }))
    }

    fn idle(&self, plan: Plan) -> Figures {
        let _pool = self.start(plan.cpus_of(IDLE_WORKERS), || Counter);
        idle::watch(plan)
    }

    fn calls(&self, plan: Plan) -> Figures {
        let pool = self.start(plan.cpus_of(1), || Answerer);
        settle_on(plan.client);
        let caller = RefCell::new(Caller::new(&pool));
        block_on_ready(drive::calls(plan, async |message| {
            call(&mut caller.borrow_mut(), message)
        }))
    }

    /// A window of requests, whose answers come in order.
    fn piped(&self, plan: Plan) -> Figures {
        let pool = self.start(plan.cpus_of(1), || Answerer);
        settle_on(plan.client);
        let mut caller = Caller::new(&pool);
        let (count, mut differs) = (plan.piped(), 0);
        let from = tally::now_ns();
        (0..WINDOW as u64).for_each(|message| caller.ask(message));
        for message in 0..count {
            differs |= caller.answer() ^ answer(message);
            let next = message + WINDOW as u64;
            if next < count {
                caller.ask(next);
            }
        }
        let took_ns = tally::now_ns() - from;
        assert_eq!(differs, 0, "a wrong answer");
        each(took_ns, count)
    }
}

fn batcher(pool: &WorkerPool<u64>) -> Batcher<u64> {
    let batcher = pool.sender().batcher();
    batcher.expect("there is memory for the lanes")
}

/// One call at a time: a message with the way back in it, since a pool has no calls of its own yet.
fn call(caller: &mut Caller, message: u64) -> u64 {
    caller.ask(message);
    caller.answer()
}

struct Caller {
    sender: Sender<Request>,
    reply: MpscSender<u64>,
    replies: MpscReceiver<u64>,
}

impl Caller {
    fn new(pool: &WorkerPool<Request>) -> Self {
        let (reply, replies) = mpsc(CAPACITY).expect("there is memory for a channel");
        Self {
            sender: pool.sender(),
            reply,
            replies,
        }
    }

    fn ask(&mut self, message: u64) {
        let reply = self.reply.clone();
        let sent = self.sender.send_to(0, Request { message, reply });
        assert!(sent.is_ok(), "the worker is there");
    }

    fn answer(&mut self) -> u64 {
        self.replies.recv().expect("the worker answers")
    }
}

struct Request {
    message: u64,
    reply: MpscSender<u64>,
}

struct Counter;

impl Worker for Counter {
    type State = Tally;
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context) -> Result<Tally, Infallible> {
        Ok(Tally::new())
    }

    fn handle_message(&self, tally: &mut Tally, message: u64) -> Result<(), Infallible> {
        tally.handle(message);
        Ok(())
    }
}

struct Answerer;

impl Worker for Answerer {
    type State = Tally;
    type Message = Request;
    type Error = Infallible;

    fn init(&self, _: &Context) -> Result<Tally, Infallible> {
        Ok(Tally::new())
    }

    fn handle_message(&self, tally: &mut Tally, request: Request) -> Result<(), Infallible> {
        let Request { message, mut reply } = request;
        let answered = reply.send(tally.handle(message));
        assert!(answered.is_ok(), "the caller is there");
        Ok(())
    }
}
