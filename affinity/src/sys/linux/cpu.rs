//! Calls about CPUs.

use core::ffi::{c_int, c_ulong};
use std::fs;

use super::{done_or_error, last_error};
use crate::cpuset::CpuSet;
use crate::error::Error;
use crate::id::CpuId;

/// Bits in a word of the kernel's masks, which are arrays of `unsigned long`.
const WORD_BITS: usize = c_ulong::BITS as usize;

/// Enough words for any mask: no kernel has as many CPUs.
const WORDS_MAX: usize = CpuSet::PARSE_LIMIT as usize / WORD_BITS;

/// sched_getaffinity(2)
pub(crate) fn thread_mask() -> Result<CpuSet, Error> {
    let operation = "sched_getaffinity";
    grow_until_it_fits(|words: &mut [c_ulong]| {
        // The raw call, not the library's: it tells how many bytes it wrote.
        // SAFETY: the pointer and the length in bytes are of one live slice that is ours to write; 0 is this thread.
        let bytes = unsafe {
            libc::syscall(
                libc::SYS_sched_getaffinity,
                0,
                size_of_val(words),
                words.as_mut_ptr(),
            )
        };
        usize::try_from(bytes).map_err(|_| last_error(operation))
    })
}

/// Calls `ask` with ever larger buffers: the kernel answers EINVAL to one that is smaller than its own mask.
fn grow_until_it_fits(
    mut ask: impl FnMut(&mut [c_ulong]) -> Result<usize, Error>,
) -> Result<CpuSet, Error> {
    let mut words = vec![0; 1024 / WORD_BITS];
    loop {
        match ask(&mut words) {
            Ok(_) => return Ok(set_of(&words)),
            Err(error) if error.errno() == Some(libc::EINVAL) && words.len() < WORDS_MAX => {
                words.resize(words.len() * 2, 0);
            }
            Err(error) => return Err(error),
        }
    }
}

/// sched_setaffinity(2)
pub(crate) fn set_thread_mask(mask: &CpuSet) -> Result<(), Error> {
    let words = words_of(mask);
    // SAFETY: the pointer and the length in bytes are of one live slice, which is only read; 0 is this thread.
    let status = unsafe {
        libc::syscall(
            libc::SYS_sched_setaffinity,
            0,
            size_of_val(words.as_slice()),
            words.as_ptr(),
        )
    };
    done_or_error("sched_setaffinity", status as c_int)
}

/// sched_getcpu(3)
pub(crate) fn current_cpu() -> Result<CpuId, Error> {
    // SAFETY: it takes no argument and touches no memory of ours.
    let cpu = unsafe { libc::sched_getcpu() };
    u32::try_from(cpu)
        .map(CpuId)
        .map_err(|_| last_error("sched_getcpu"))
}

/// CPUs that are there or could be plugged in: sysfs(5), `/sys/devices/system/cpu/possible`.
pub(crate) fn possible_cpus() -> Option<CpuSet> {
    read_list("/sys/devices/system/cpu/possible")
}

/// CPUs that are switched on: sysfs(5), `/sys/devices/system/cpu/online`.
pub(crate) fn online_cpus() -> Option<CpuSet> {
    read_list("/sys/devices/system/cpu/online")
}

fn read_list(path: &str) -> Option<CpuSet> {
    let set = CpuSet::parse_list(&fs::read_to_string(path).ok()?).ok()?;
    (!set.is_empty()).then_some(set)
}

fn set_of(words: &[c_ulong]) -> CpuSet {
    (0..words.len() * WORD_BITS)
        .filter(|cpu| words[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1 == 1)
        .map(|cpu| CpuId(cpu as u32))
        .collect()
}

/// Numbers that no kernel knows are left out, as the kernel itself would.
fn words_of(mask: &CpuSet) -> Vec<c_ulong> {
    let mut words = vec![0; 1024 / WORD_BITS];
    for cpu in mask.iter().map(|cpu| cpu.0 as usize) {
        let word = cpu / WORD_BITS;
        if word < WORDS_MAX {
            words.resize(words.len().max(word + 1), 0);
            words[word] |= 1 << (cpu % WORD_BITS);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(errno: c_int) -> Error {
        Error::Os {
            operation: "test",
            errno,
        }
    }

    /// A kernel with `cpus` CPUs, all allowed.
    fn kernel(cpus: usize) -> impl FnMut(&mut [c_ulong]) -> Result<usize, Error> {
        move |words| {
            if words.len() * WORD_BITS < cpus {
                return Err(refused(libc::EINVAL));
            }
            (0..cpus).for_each(|cpu| words[cpu / WORD_BITS] |= 1 << (cpu % WORD_BITS));
            Ok(cpus / 8)
        }
    }

    #[test]
    fn more_than_1024_cpus_are_seen() {
        for cpus in [1, 64, 1024, 1025, 5000, 65_536] {
            assert_eq!(grow_until_it_fits(kernel(cpus)).unwrap().len(), cpus);
        }
    }

    #[test]
    fn growing_ends_when_the_kernel_never_agrees() {
        let mut calls = 0;
        let answer = grow_until_it_fits(|_| {
            calls += 1;
            Err(refused(libc::EINVAL))
        });
        assert_eq!((answer, calls), (Err(refused(libc::EINVAL)), 7));
        let answer = grow_until_it_fits(|_| Err(refused(libc::EPERM)));
        assert_eq!(answer, Err(refused(libc::EPERM)));
    }

    #[test]
    fn words_and_sets_say_the_same() {
        let set: CpuSet = "0,31,32,63,64,1023,1024,5000".parse().unwrap();
        assert_eq!(set_of(&words_of(&set)), set);
    }

    #[test]
    fn a_number_beyond_every_kernel_takes_no_memory() {
        let words = words_of(&[CpuId(u32::MAX), CpuId(1)].into_iter().collect());
        assert_eq!(words.len(), 1024 / WORD_BITS);
        assert_eq!(set_of(&words), CpuSet::from(CpuId(1)));
    }
}
