//! A peer that is a pair of a runtime and a channel.

use std::marker::PhantomData;

use comparison::report::{Class, Kind};

use crate::runtime::{
    pair::{self, Pair},
    peer::{Figures, Peer, not_offered},
    plan::Plan,
    row::Row,
};

pub(crate) struct Paired<P> {
    name: &'static str,
    /// Where it spins before it parks.
    awake: &'static [Row],
    more: &'static [Row],
    run_more: fn(Row, Plan) -> Figures,
    hindrance: fn() -> Option<String>,
    pair: PhantomData<fn(P)>,
}

impl<P> Paired<P> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            awake: &[],
            more: &[],
            run_more: |row, _| not_offered(row),
            hindrance: || None,
            pair: PhantomData,
        }
    }

    pub(crate) const fn awake_in(mut self, rows: &'static [Row]) -> Self {
        self.awake = rows;
        self
    }

    /// What it does besides.
    pub(crate) const fn with(
        mut self,
        rows: &'static [Row],
        run: fn(Row, Plan) -> Figures,
    ) -> Self {
        (self.more, self.run_more) = (rows, run);
        self
    }

    pub(crate) const fn unless(mut self, hindrance: fn() -> Option<String>) -> Self {
        self.hindrance = hindrance;
        self
    }
}

impl<P: Pair> Peer for Paired<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::Rival
    }

    fn class(&self, row: Row) -> Class {
        if self.awake.contains(&row) {
            Class::Awake
        } else {
            Class::Plain
        }
    }

    fn rows(&self) -> Vec<Row> {
        pair::rows(self.more)
    }

    fn hindrance(&self) -> Option<String> {
        (self.hindrance)()
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        if self.more.contains(&row) {
            return (self.run_more)(row, plan);
        }
        pair::run::<P>(row, plan)
    }
}
