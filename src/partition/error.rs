//! What can be wrong with a map or a change to it.
#![forbid(unsafe_code)]

use core::fmt;

/// Why a strategy could not be made, or a change to it was refused. A refused change changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartitionError {
    /// No worker was left, or none was asked for.
    NoWorkers,
    /// More workers than the strategy can number.
    TooManyWorkers {
        /// How many were asked for.
        workers: usize,
        /// The most there can be.
        limit: usize,
    },
    /// No worker has this number.
    WorkerNotFound {
        /// The number asked for.
        worker: usize,
        /// How many numbers there are: the valid ones lie below.
        workers: usize,
    },
    /// The worker is a member already.
    WorkerExists {
        /// Its number.
        worker: usize,
    },
    /// The worker still owns map slots, so its number cannot go.
    WorkerHoldsSlots {
        /// Its number.
        worker: usize,
        /// How many map slots it owns.
        held: usize,
    },
    /// No map slot has this number.
    MapSlotNotFound {
        /// The number asked for.
        map_slot: usize,
    },
    /// The map slot has another owner than the move was made for.
    StaleMove {
        /// The map slot.
        map_slot: usize,
        /// The owner that the move names.
        expected: usize,
        /// The owner that it has.
        found: usize,
    },
    /// The new number of workers is on the wrong side of the old one.
    WrongDirection {
        /// Workers now.
        from: usize,
        /// Workers asked for.
        to: usize,
    },
    /// More virtual nodes than a worker may have.
    TooManyVnodes {
        /// How many were asked for.
        vnodes: usize,
        /// The most there can be.
        limit: usize,
    },
    /// The size of a lookup table is no prime, too large, or below the number of workers.
    BadTableSize {
        /// The size asked for.
        size: usize,
    },
    /// The weights, reduced by their common divisor, sum up to more than one period may hold.
    WeightsTooLarge {
        /// Their sum.
        sum: u64,
        /// The largest sum there can be.
        limit: usize,
    },
    /// A bound on load below the mean load, which not all workers can keep.
    BoundTooLow {
        /// The bound, in percent of the mean.
        percent: u32,
    },
    /// A bound of a range is not above the one before it, or is there already.
    BoundsNotRising {
        /// The number of the bound.
        bound: usize,
    },
    /// No range has this number, or none comes after it.
    RangeNotFound {
        /// The number asked for.
        range: usize,
        /// How many ranges there are.
        ranges: usize,
    },
    /// The bytes are no encoded map: their length or their beginning is another.
    NotAMap,
    /// The map was written in a format, or for a hash, that this build does not know.
    UnknownVersion {
        /// Version of the format.
        format: u32,
        /// Version of the hash.
        hash: u32,
    },
    /// The encoded map does not match its check sum.
    DamagedMap,
}

impl fmt::Display for PartitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoWorkers => f.write_str("a partition needs at least one worker"),
            Self::TooManyWorkers { workers, limit } => {
                write!(f, "{workers} workers are more than the limit of {limit}")
            }
            Self::WorkerNotFound { worker, workers } => {
                write!(f, "there is no worker {worker} among {workers}")
            }
            Self::WorkerExists { worker } => write!(f, "worker {worker} is a member already"),
            Self::WorkerHoldsSlots { worker, held } => {
                write!(f, "worker {worker} still owns {held} map slots")
            }
            Self::MapSlotNotFound { map_slot } => write!(f, "there is no map slot {map_slot}"),
            Self::StaleMove {
                map_slot,
                expected,
                found,
            } => {
                write!(
                    f,
                    "map slot {map_slot} belongs to worker {found}, not to {expected}"
                )
            }
            Self::WrongDirection { from, to } => {
                write!(f, "a change from {from} to {to} workers goes the other way")
            }
            Self::TooManyVnodes { vnodes, limit } => {
                write!(
                    f,
                    "{vnodes} virtual nodes are more than the limit of {limit}"
                )
            }
            Self::BadTableSize { size } => {
                write!(
                    f,
                    "a table of {size} places is no prime, too large or too small"
                )
            }
            Self::WeightsTooLarge { sum, limit } => {
                write!(
                    f,
                    "the weights sum up to {sum}, more than the limit of {limit}"
                )
            }
            Self::BoundTooLow { percent } => {
                write!(f, "a bound of {percent} % lies below the mean load")
            }
            Self::BoundsNotRising { bound } => {
                write!(
                    f,
                    "bound {bound} is not above the one before it, or is there already"
                )
            }
            Self::RangeNotFound { range, ranges } => {
                write!(
                    f,
                    "there is no range {range} among {ranges}, or none after it"
                )
            }
            Self::NotAMap => f.write_str("the bytes are no partition map"),
            Self::UnknownVersion { format, hash } => {
                write!(
                    f,
                    "a partition map of format {format} with hash {hash} is not known here"
                )
            }
            Self::DamagedMap => f.write_str("the partition map does not match its check sum"),
        }
    }
}

impl core::error::Error for PartitionError {}
