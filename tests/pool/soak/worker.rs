//! A worker that checks order, panics when it is told to, and sends itself something now and then.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shared_nothing::{
    executor::yield_now,
    pool::Reply,
    worker::{AsyncWorker, Context, Exported, MapSlots, Worker},
};

use super::books::Books;

/// What a message does beside being counted.
pub(crate) enum What {
    Nothing,
    /// Kills each life that handles it.
    Kill,
    /// Kills the first.
    KillOnce(Arc<AtomicBool>),
    Ask(Reply<u64>),
}

pub(crate) struct Message {
    pub(crate) id: u64,
    /// Sender, key and number, of those that are in order.
    pub(crate) order: Option<(usize, u64, u64)>,
    pub(crate) what: What,
}

impl Clone for Message {
    fn clone(&self) -> Self {
        let what = match &self.what {
            What::Kill => What::Kill,
            What::KillOnce(killed) => What::KillOnce(Arc::clone(killed)),
            What::Nothing | What::Ask(_) => What::Nothing,
        };
        Self {
            id: self.id,
            order: self.order,
            what,
        }
    }
}

const ON_PURPOSE: &str = "as the soak wants it";

/// Panics on purpose print nothing.
pub(crate) fn hide_panics() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&ON_PURPOSE) {
            others(panic);
        }
    }));
}

#[derive(Clone)]
pub(crate) struct Soaked {
    books: Arc<Books>,
}

impl Soaked {
    pub(crate) fn new(books: Arc<Books>) -> Self {
        Self { books }
    }

    fn begin(&self) -> Result<u64, &'static str> {
        match self.books.fails_now() {
            true => Err("not today"),
            false => Ok(0),
        }
    }

    fn work(&self, count: &mut u64, message: Message, context: &Context<Message>) {
        if let Some((sender, key, number)) = message.order {
            self.books.check_order(sender, key, number);
        }
        let kills = match &message.what {
            What::Kill => true,
            What::KillOnce(killed) => !killed.swap(true, Ordering::SeqCst),
            What::Nothing | What::Ask(_) => false,
        };
        if kills {
            panic::panic_any(ON_PURPOSE);
        }
        *count += 1;
        self.books.handled(message.id);
        if let What::Ask(reply) = message.what {
            reply.send(message.id);
        }
        let own = || Message {
            id: self.books.new_id(),
            order: None,
            what: What::Nothing,
        };
        if *count % 64 == 0 {
            let own = own();
            let id = own.id;
            if context.send_to_self(own).is_ok() {
                self.books.own(id);
            }
        }
        if *count % 256 == 1 {
            let own = own();
            let id = own.id;
            if context.send_after(Duration::from_micros(200), own).is_ok() {
                self.books.own(id);
            }
        }
    }

    fn kept(message: &Message) -> Option<Message> {
        match message.what {
            What::Ask(_) => None,
            _ => Some(message.clone()),
        }
    }
}

impl Worker for Soaked {
    type State = u64;
    type Message = Message;
    type Error = &'static str;

    fn init(&self, _: &Context<Message>) -> Result<u64, &'static str> {
        self.begin()
    }

    fn handle_message(
        &self,
        count: &mut u64,
        message: Message,
        context: &Context<Message>,
    ) -> Result<(), &'static str> {
        self.work(count, message, context);
        Ok(())
    }

    fn keep(&self, message: &Message) -> Option<Message> {
        Self::kept(message)
    }

    fn export(&self, _: &mut u64, slots: &MapSlots, _: &Context<Message>) -> Option<Exported> {
        Some(Box::new(slots.len()))
    }

    fn import(
        &self,
        _: &mut u64,
        slots: &MapSlots,
        exported: Exported,
        _: &Context<Message>,
    ) -> Result<(), &'static str> {
        let len = exported.downcast::<usize>().map_err(|_| "another's")?;
        (*len == slots.len()).then_some(()).ok_or("another's")
    }
}

/// The same, with a wait before each message.
pub(crate) struct Later(pub(crate) Soaked);

impl AsyncWorker for Later {
    type State = u64;
    type Message = Message;
    type Error = &'static str;

    fn init(&self, _: &Context<Message>) -> Result<u64, &'static str> {
        self.0.begin()
    }

    async fn handle_message(
        &self,
        count: &mut u64,
        message: Message,
        context: &Context<Message>,
    ) -> Result<(), &'static str> {
        if message.id % 8 == 0 {
            yield_now().await;
        }
        self.0.work(count, message, context);
        Ok(())
    }

    fn keep(&self, message: &Message) -> Option<Message> {
        Soaked::kept(message)
    }
}
