//! The pool: messages by key from a plain thread, one at a time or by the batch, and calls.

use std::{cell::RefCell, collections::VecDeque, convert::Infallible};

use comparison::report::{Class, Kind};
use shared_nothing::{
    executor::Idle,
    pool::{Batcher, Call, Caller, PoolConfig, Reply, WorkerPool},
    worker::{Context, Worker},
};
use shared_nothing_affinity::{CpuId, Placement};

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
            config = config.with_idle(Idle::Park).with_yields(0);
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
        let caller = RefCell::new(pool.sender().caller());
        block_on_ready(drive::calls(plan, async |message| {
            wait(ask(&mut caller.borrow_mut(), message))
        }))
    }

    /// A window of requests, whose answers come in order.
    fn piped(&self, plan: Plan) -> Figures {
        let pool = self.start(plan.cpus_of(1), || Answerer);
        settle_on(plan.client);
        let mut caller = pool.sender().caller();
        let (count, mut differs) = (plan.piped(), 0);
        let from = tally::now_ns();
        let mut window: VecDeque<Call<u64>> = (0..WINDOW as u64)
            .map(|message| ask(&mut caller, message))
            .collect();
        for message in 0..count {
            let first = window.pop_front().expect("a window of calls");
            differs |= wait(first) ^ answer(message);
            let next = message + WINDOW as u64;
            if next < count {
                window.push_back(ask(&mut caller, next));
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

fn ask(caller: &mut Caller<Request, u64>, message: u64) -> Call<u64> {
    let call = caller.call_to(0, |reply| Request { message, reply });
    call.unwrap_or_else(|_| panic!("the worker is there"))
}

fn wait(call: Call<u64>) -> u64 {
    call.wait().expect("the worker answers")
}

struct Request {
    message: u64,
    reply: Reply<u64>,
}

struct Counter;

impl Worker for Counter {
    type State = Tally;
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<Self::Message>) -> Result<Tally, Infallible> {
        Ok(Tally::new())
    }

    fn handle_message(
        &self,
        tally: &mut Tally,
        message: u64,
        _: &Context<u64>,
    ) -> Result<(), Infallible> {
        tally.handle(message);
        Ok(())
    }
}

struct Answerer;

impl Worker for Answerer {
    type State = Tally;
    type Message = Request;
    type Error = Infallible;

    fn init(&self, _: &Context<Self::Message>) -> Result<Tally, Infallible> {
        Ok(Tally::new())
    }

    fn handle_message(
        &self,
        tally: &mut Tally,
        Request { message, reply }: Request,
        _: &Context<Request>,
    ) -> Result<(), Infallible> {
        reply.send(tally.handle(message));
        Ok(())
    }
}
