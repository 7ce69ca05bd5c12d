//! Every error says what it is about, hands back what was refused, and becomes the one that gathers them.

use std::{error::Error as _, time::Duration};

use shared_nothing::{
    executor::{self, Executor, ExecutorConfig},
    partition::PartitionError,
    pool::{
        CallError, Error, NoSuchWorker, Overflow, Reply, ResizeError, SendError, StartError,
        TrySendError, WorkerPool,
        supervise::{Intensity, Supervision},
    },
    worker::Context,
};

use crate::support::{LONG, assert_conserved, config, gate, pass, run};

/// A message that is no text and cannot be printed.
#[derive(PartialEq)]
struct Opaque(u8);

/// What makes an error, and its text for programmers and for users.
type Case<E> = (fn(Opaque) -> E, &'static str, &'static str);

#[test]
fn what_was_refused_comes_back_and_is_not_printed() {
    let sends: [Case<SendError<Opaque>>; 5] = [
        (
            SendError::Closed,
            "Closed(..)",
            "worker has ended or the pool is stopping",
        ),
        (
            SendError::NoSuchWorker,
            "NoSuchWorker(..)",
            "pool has no such worker",
        ),
        (SendError::Full, "Full(..)", "mailbox is full"),
        (
            SendError::TimedOut,
            "TimedOut(..)",
            "mailbox was full all the time",
        ),
        (SendError::Down, "Down(..)", "worker is being restarted"),
    ];
    for (make, debug, display) in sends {
        let error = make(Opaque(7));
        assert_eq!(format!("{error:?}: {error}"), format!("{debug}: {display}"));
        assert!(error.into_inner() == Opaque(7));
    }
    let tries: [Case<TrySendError<Opaque>>; 4] = [
        (
            TrySendError::Closed,
            "Closed(..)",
            "worker has ended or the pool is stopping",
        ),
        (
            TrySendError::NoSuchWorker,
            "NoSuchWorker(..)",
            "pool has no such worker",
        ),
        (TrySendError::Full, "Full(..)", "mailbox is full"),
        (TrySendError::Down, "Down(..)", "worker is being restarted"),
    ];
    for (make, debug, display) in tries {
        let error = make(Opaque(7));
        assert_eq!(format!("{error:?}: {error}"), format!("{debug}: {display}"));
        assert!(error.into_inner() == Opaque(7));
    }
}

/// The name of an error that gathers others.
fn name(error: impl Into<Error>) -> String {
    let error = error.into();
    assert!(!error.to_string().is_empty());
    let debug = format!("{error:?}");
    let end = debug.find([' ', '(', '{']).unwrap_or(debug.len());
    debug[..end].to_owned()
}

#[test]
fn each_error_of_an_operation_has_a_place_in_the_one_that_gathers_them() {
    let sends = [
        SendError::Closed(1),
        SendError::Down(1),
        SendError::NoSuchWorker(1),
        SendError::Full(1),
        SendError::TimedOut(1),
    ];
    assert_eq!(
        sends.map(name),
        [
            "NotRunning",
            "NotRunning",
            "WorkerNotFound",
            "Send",
            "TimedOut"
        ]
    );
    let tries = [
        TrySendError::Closed(1),
        TrySendError::Down(1),
        TrySendError::NoSuchWorker(1),
        TrySendError::Full(1),
    ];
    assert_eq!(
        tries.map(name),
        ["NotRunning", "NotRunning", "WorkerNotFound", "Send"]
    );
    assert_eq!(
        [CallError::Cancelled, CallError::TimedOut].map(name),
        ["Receive", "TimedOut"]
    );
    let calls = [executor::CallError::NotRun, executor::CallError::Cancelled];
    assert_eq!(calls.map(name), ["NotRunning", "Receive"]);
    assert_eq!(name(PartitionError::NoWorkers), "Partition");
    let resizes = [
        (ResizeError::Busy, "AlreadyRunning"),
        (ResizeError::PoolFull { workers_max: 2 }, "PoolFull"),
        (
            ResizeError::NoSuchWorker(NoSuchWorker { worker: 3 }),
            "WorkerNotFound",
        ),
        (ResizeError::LastWorker, "Other"),
        (ResizeError::Unflushed { worker: 1 }, "TimedOut"),
        (ResizeError::TimedOut { worker: 1 }, "TimedOut"),
        (ResizeError::Ended { worker: 1 }, "NotRunning"),
        (
            ResizeError::Partition(PartitionError::NoWorkers),
            "Partition",
        ),
        (ResizeError::Stopping, "NotRunning"),
    ];
    for (error, gathered) in resizes {
        let (text, has_source) = (error.to_string(), error.source().is_some());
        assert!(!text.is_empty());
        let is_wrapper = matches!(
            error,
            ResizeError::NoSuchWorker(_) | ResizeError::Partition(_)
        );
        assert_eq!(has_source, is_wrapper, "{text}");
        assert_eq!(name(error), gathered, "{text}");
    }
}

#[test]
fn a_panic_of_a_call_to_a_shard_is_told_by_its_text() {
    let executor = Executor::start(ExecutorConfig::new().with_shards(1)).unwrap();
    let call = executor
        .handle()
        .submit_to(0, || -> () { panic!("on purpose") });
    let error = Error::from(call.wait().unwrap_err());
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(matches!(error, Error::Other(_)) && error.source().is_some());
}

/// Each case is met in a pool, and not made by hand.
#[test]
fn a_pool_runs_into_each_of_the_errors() -> Result<(), Error> {
    let (open, gate) = gate();
    let settings = config(2)
        .with_capacity(1)
        .with_workers_max(2)
        .with_batch_max(1)
        .with_overflow(Overflow::Fail);
    let pool = WorkerPool::start(settings, move |_| {
        let gate = std::sync::Arc::clone(&gate);
        run(
            move |message: Option<Reply<u8>>, context: &Context<Option<Reply<u8>>>| match message {
                Some(reply) if context.id() == 0 => drop(reply),
                Some(_never) => pass(&gate),
                None => panic!("on purpose"),
            },
        )
    })?;
    let sender = pool.sender();
    // Receive, and a timeout.
    let cancelled = sender.call_to(0, Some)?.wait_timeout(LONG);
    assert!(matches!(
        cancelled.map_err(Error::from),
        Err(Error::Receive)
    ));
    let late = sender
        .call_to(1, Some)?
        .wait_timeout(Duration::from_millis(1));
    assert!(matches!(late.map_err(Error::from), Err(Error::TimedOut)));
    // Send: the worker is held, and there is room for one.
    while sender.try_send_to(1, None).is_err() {
        std::thread::yield_now();
    }
    let full = loop {
        if let Err(error) = sender.send_to(1, None) {
            break Error::from(error);
        }
    };
    assert!(matches!(full, Error::Send), "{full:?}");
    // Worker not found, pool full, not running.
    let nobody = Error::from(sender.send_to(7, None).unwrap_err());
    assert!(matches!(nobody, Error::WorkerNotFound(None)));
    let nobody = Error::from(pool.pause(7).unwrap_err());
    assert!(matches!(nobody, Error::WorkerNotFound(Some(7))));
    let no_room = Error::from(pool.add_worker().unwrap_err());
    assert!(matches!(no_room, Error::PoolFull));
    open.send(()).unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let gone = Error::from(sender.send_to(0, None).unwrap_err());
    assert!(matches!(gone, Error::NotRunning));
    // Panicked, with its text.
    report.workers[0].check()?;
    match report.workers[1].check() {
        Err(Error::Panicked { worker: 1, text }) => assert_eq!(text, "on purpose"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[test]
fn a_pool_that_is_not_made_says_why_in_the_gathered_error_too() {
    let start = |settings| WorkerPool::start(settings, |_| run(|(): (), _| {})).unwrap_err();
    let error = start(config(0));
    assert!(error.source().is_none());
    assert!(matches!(
        Error::from(error),
        Error::Invalid {
            setting: "workers",
            ..
        }
    ));
    let error = start(config(1).with_capacity(usize::MAX));
    assert!(error.source().is_some(), "{error}");
    assert!(error.to_string().starts_with("no mailbox for worker 0"));
    assert!(matches!(error, StartError::Mailbox { worker: 0, .. }));
    assert!(matches!(Error::from(error), Error::Other(_)));
    let supervision = Supervision::new().with_intensity(Intensity {
        restarts: u32::MAX,
        period: LONG,
    });
    let error = Error::from(start(config(1).with_supervision(supervision)));
    assert!(error.to_string().contains("intensity"), "{error}");

    let executor = Executor::start(ExecutorConfig::new().with_shards(1)).unwrap();
    let handle = executor.handle();
    drop(executor);
    let error = WorkerPool::start_on(&handle, config(1), |_| run(|(): (), _| {})).unwrap_err();
    assert!(matches!(error, StartError::Call { worker: 0, .. }));
    assert!(error.to_string().starts_with("no shard for worker 0"));
    assert!(error.source().is_some());
    assert!(matches!(
        Error::from(error),
        Error::NotRunning | Error::Receive
    ));
}

#[test]
fn a_pool_whose_executor_stops_cannot_change() {
    let executor = Executor::start(ExecutorConfig::new().with_shards(1)).unwrap();
    let pool = WorkerPool::start_on(&executor.handle(), config(1), |_| run(|(): (), _| {}));
    let pool = pool.unwrap();
    drop(executor);
    let error = pool.add_worker().unwrap_err();
    assert!(matches!(error, ResizeError::Stopping), "{error:?}");
    assert_eq!(error.to_string(), "executor is stopping");
    let report = pool.stop();
    assert!(matches!(report.workers[0].check(), Err(Error::NotRunning)));
}

#[test]
fn a_change_beside_another_is_refused() {
    let (open, gate) = gate();
    let pool = WorkerPool::start(config(2), move |_| {
        let gate = std::sync::Arc::clone(&gate);
        run(move |(): (), _| pass(&gate))
    })
    .unwrap();
    // The giver is held, and so is the move.
    pool.send_to(0, ()).unwrap();
    std::thread::scope(|threads| {
        let moving = threads.spawn(|| {
            loop {
                match pool.remove_worker(0) {
                    Err(ResizeError::Busy) => std::thread::yield_now(),
                    other => break other,
                }
            }
        });
        let error = loop {
            match pool.even_out() {
                Err(error) => break error,
                Ok(_) => std::thread::yield_now(),
            }
        };
        assert!(matches!(error, ResizeError::Busy), "{error:?}");
        assert!(matches!(Error::from(error), Error::AlreadyRunning));
        open.send(()).unwrap();
        moving.join().unwrap().unwrap();
    });
    drop(pool.stop());
}
