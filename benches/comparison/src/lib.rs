//! What the comparisons share: figures as plain data, and as JSON, Markdown and pictures.
//!
//! | file | what it does |
//! |---|---|
//! | `report.rs` | what was measured, where, and JSON |
//! | `stats.rs` | medians and quartiles |
//! | `table.rs`, `plot.rs`, `document.rs` | Markdown, SVG, and tables put into a document |
//! | `curves.rs`, `pictures.rs` | SVG of several figures each: percentiles, scaling |
//! | `shuffle.rs` | the order of a round |

pub mod curves;
pub mod document;
pub mod pictures;
pub mod plot;
pub mod report;
pub mod shuffle;
pub mod stats;
pub mod table;
