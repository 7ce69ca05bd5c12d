//! The contract with the operating system, chosen here and nowhere else.
//!
//! Every platform has these functions. About the calling thread and the machine's CPUs:
//!
//! | function | answers |
//! |---|---|
//! | `thread_mask` | the CPUs on which the thread may run |
//! | `set_thread_mask` | nothing; the kernel may make the mask smaller, so ask again |
//! | `current_cpu` | where the thread ran at the moment of the call |
//! | `possible_cpus`, `online_cpus` | the machine's CPUs, or `None` where nobody says |
//! | `set_thread_name`, `set_nice`, `nice`, `set_scheduler`, `scheduler` | name and priority |
//!
//! About memory:
//!
//! | function | answers |
//! |---|---|
//! | `page_bytes` | the size of a base page |
//! | `map`, `unmap` | zeroed private memory |
//! | `bind`, `advise`, `lock` | nothing: where the pages of a range go, of which size they are, whether they stay |
//! | `page_homes` | the node of each page |

/// What to do with the nodes given to `bind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindMode {
    /// Take memory there, or elsewhere if there is none left.
    Prefer,
    /// Take memory there or not at all.
    Bind,
    /// Take turns.
    Interleave,
}

/// What to tell the kernel with `advise`. None of these changes what the memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Use huge pages where they fit.
    HugePages,
    /// Use base pages only.
    BasePages,
    /// Make every page present and writable now.
    PopulateWrite,
}

// `--cfg affinity_elsewhere` is for the tests: there is no other machine to try the other half on.
#[cfg(all(target_os = "linux", not(affinity_elsewhere)))]
mod linux;
#[cfg(all(target_os = "linux", not(affinity_elsewhere)))]
pub(crate) use linux::*;

#[cfg(any(not(target_os = "linux"), affinity_elsewhere))]
mod portable;
#[cfg(any(not(target_os = "linux"), affinity_elsewhere))]
pub(crate) use portable::*;
