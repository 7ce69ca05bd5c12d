//! Which worker goes on which CPU: pure functions from a machine, the usable CPUs and a number of workers.

#![forbid(unsafe_code)]

use core::fmt;
use std::collections::BTreeMap;

use crate::cpuset::CpuSet;
use crate::error::PlacementError;
use crate::id::{CoreId, CpuId, NodeId};
use crate::topology::{CoreKind, Topology};

/// How to choose CPUs for workers.
///
/// [`Spread`](Self::Spread) and [`Packed`](Self::Packed) hand out CPUs in the same three rounds, each only when the one
/// before is used up: one CPU of each performance core, one of each efficiency core, then the siblings of both. They
/// differ in the order of nodes within a round.
///
/// ```
/// use shared_nothing_affinity::{CpuId, Demand, Placement, Synthetic};
///
/// let machine = Synthetic::default().with_packages(2).with_cores_per_node(2).with_threads_per_core(2).build();
/// let usable = machine.online();
///
/// let spread = Placement::Spread.place(&machine, &usable, 2, Demand::Require)?;
/// assert_eq!(spread.cpus, [Some(CpuId(0)), Some(CpuId(2))]);
/// let packed = Placement::Packed.place(&machine, &usable, 2, Demand::Require)?;
/// assert_eq!(packed.cpus, [Some(CpuId(0)), Some(CpuId(1))]);
///
/// // Four cores do not carry five workers without sharing.
/// assert!(Placement::Spread.place(&machine, &usable, 5, Demand::Require).is_err());
/// let five = Placement::Spread.place(&machine, &usable, 5, Demand::Prefer)?;
/// assert_eq!(five.shortfalls[0].to_string(), "1 on a core that another worker has already");
/// # Ok::<(), shared_nothing_affinity::PlacementError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// As evenly over the NUMA nodes as can be: the most memory bandwidth.
    #[default]
    Spread,
    /// On as few nodes as can be, then on those nearest to them: the shortest ways between workers. Begins with the
    /// lowest-numbered node that holds all workers, or else most of them.
    Packed,
    /// Exactly these, in this order, siblings or not. Workers beyond the list are not pinned.
    List(Vec<CpuId>),
    /// No worker is pinned.
    Unpinned,
}

/// What to do when a placement cannot be had in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// Do what can be done, and report each [`Shortfall`].
    #[default]
    Prefer,
    /// Any shortfall is an error.
    Require,
}

/// The outcome of a placement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// The CPU of each worker; `None` is not to be pinned.
    pub cpus: Vec<Option<CpuId>>,
    /// In what the outcome falls short of the wish; empty if in nothing.
    pub shortfalls: Vec<Shortfall>,
}

/// In what a placement falls short of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortfall {
    /// Workers for which there is no CPU left. They are not pinned.
    Unpinned {
        /// How many workers.
        count: usize,
    },
    /// Workers on the sibling of a CPU that another worker has.
    SharedCores {
        /// How many workers, not counting the first on each core.
        count: usize,
    },
    /// Workers on efficiency cores, for want of performance cores.
    EfficiencyCores {
        /// How many workers.
        count: usize,
    },
    /// A listed CPU that is not usable. Its worker is not pinned.
    NotUsable {
        /// The CPU that was listed.
        cpu: CpuId,
    },
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpinned { count } => write!(f, "{count} without a cpu"),
            Self::SharedCores { count } => {
                write!(f, "{count} on a core that another worker has already")
            }
            Self::EfficiencyCores { count } => write!(f, "{count} on efficiency cores"),
            Self::NotUsable { cpu } => write!(f, "cpu {cpu} is listed and not usable"),
        }
    }
}

impl Placement {
    /// Chooses a CPU for each of `workers` workers, out of `usable` (a budget's CPUs).
    ///
    /// A usable CPU that the machine does not list counts as a core of its own; one that it lists as offline is not
    /// usable.
    ///
    /// Cost: the number of workers times the number of CPUs.
    ///
    /// # Errors
    /// With [`Demand::Require`], any shortfall.
    pub fn place(
        &self,
        machine: &Topology,
        usable: &CpuSet,
        workers: usize,
        demand: Demand,
    ) -> Result<Placed, PlacementError> {
        let usable = usable - machine.offline();
        let placed = match self {
            // Each worker on a node makes it less wanted.
            Self::Spread => choose(seats(machine, &usable), workers, BTreeMap::new(), 1),
            // The order of nodes stays as it is.
            Self::Packed => {
                let seats = seats(machine, &usable);
                let order = nodes_from_home(machine, &seats, workers);
                choose(seats, workers, order, 0)
            }
            Self::List(cpus) => listed(cpus, &usable, workers),
            Self::Unpinned => Placed {
                cpus: vec![None; workers],
                shortfalls: Vec::new(),
            },
        };
        match demand {
            Demand::Require if !placed.shortfalls.is_empty() => Err(PlacementError {
                shortfalls: placed.shortfalls,
            }),
            _ => Ok(placed),
        }
    }
}

/// A CPU on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    cpu: CpuId,
    node: Option<NodeId>,
    round: Round,
}

/// How many usable siblings come before this CPU, then its kind: the lower, the better.
type Round = (usize, CoreKind);

/// The usable CPUs with what the machine says about them.
fn seats(machine: &Topology, usable: &CpuSet) -> Vec<Seat> {
    let mut seated: BTreeMap<CoreId, usize> = BTreeMap::new();
    let mut seat = |cpu: CpuId| {
        let known = machine.cpu(cpu);
        let core = known.map_or(CoreId(cpu.0), |known| known.core);
        let siblings = seated.entry(core).or_default();
        let kind = known.map_or(CoreKind::Performance, |known| known.kind);
        let round = (*siblings, kind);
        *siblings += 1;
        Seat {
            cpu,
            node: known.and_then(|known| known.node),
            round,
        }
    };
    usable.iter().map(&mut seat).collect()
}

/// Takes the best seat again and again: by round, then from the node of least weight, then by number.
fn choose(
    mut seats: Vec<Seat>,
    workers: usize,
    mut weights: BTreeMap<Option<NodeId>, usize>,
    weight_of_a_worker: usize,
) -> Placed {
    let mut chosen: Vec<Seat> = Vec::new();
    while chosen.len() < workers {
        let wish = |seat: &Seat| {
            (
                seat.round,
                weights.get(&seat.node).copied().unwrap_or(0),
                seat.cpu,
            )
        };
        let Some(best) = (0..seats.len()).min_by_key(|&index| wish(&seats[index])) else {
            break;
        };
        let seat = seats.swap_remove(best);
        *weights.entry(seat.node).or_default() += weight_of_a_worker;
        chosen.push(seat);
    }
    let count_of =
        |is_meant: fn(&Seat) -> bool| chosen.iter().filter(|seat| is_meant(seat)).count();
    let mut shortfalls = Vec::new();
    if let count @ 1.. = workers - chosen.len() {
        shortfalls.push(Shortfall::Unpinned { count });
    }
    if let count @ 1.. = count_of(|seat| seat.round.0 > 0) {
        shortfalls.push(Shortfall::SharedCores { count });
    }
    if let count @ 1.. = count_of(|seat| seat.round.1 == CoreKind::Efficiency) {
        shortfalls.push(Shortfall::EfficiencyCores { count });
    }
    let mut cpus: Vec<Option<CpuId>> = chosen.iter().map(|seat| Some(seat.cpu)).collect();
    cpus.resize(workers, None);
    Placed { cpus, shortfalls }
}

/// Weights that order the nodes: first the one that holds most of the workers, then by distance from it.
fn nodes_from_home(
    machine: &Topology,
    seats: &[Seat],
    workers: usize,
) -> BTreeMap<Option<NodeId>, usize> {
    let cores_of = |node| {
        seats
            .iter()
            .filter(|seat| seat.node == Some(node) && seat.round.0 == 0)
            .count()
    };
    let mut nodes: Vec<NodeId> = machine.nodes().map(|node| node.id).collect();
    // Of several that are as good, the lowest number.
    let Some(home) = nodes
        .iter()
        .rev()
        .copied()
        .max_by_key(|&node| cores_of(node).min(workers))
    else {
        return BTreeMap::new();
    };
    nodes.sort_by_key(|&node| {
        (
            node != home,
            machine.distance(home, node).unwrap_or(u32::MAX),
            node,
        )
    });
    // CPUs without a node come last.
    nodes.into_iter().map(Some).chain([None]).zip(0..).collect()
}

fn listed(list: &[CpuId], usable: &CpuSet, workers: usize) -> Placed {
    let list = &list[..list.len().min(workers)];
    let is_usable = |cpu: &CpuId| usable.contains(*cpu);
    let mut cpus: Vec<Option<CpuId>> = list
        .iter()
        .map(|cpu| Some(*cpu).filter(is_usable))
        .collect();
    cpus.resize(workers, None);
    let refused = list.iter().filter(|cpu| !is_usable(cpu));
    let mut shortfalls: Vec<Shortfall> = refused.map(|&cpu| Shortfall::NotUsable { cpu }).collect();
    if let count @ 1.. = workers - list.len() {
        shortfalls.push(Shortfall::Unpinned { count });
    }
    Placed { cpus, shortfalls }
}
