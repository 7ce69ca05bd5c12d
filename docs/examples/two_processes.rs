//! A ring between two processes. One of them is killed: the other notices, loses nothing that was published, and a
//! third goes on where the dead one stopped.
//!
//! ```text
//! cargo run --release --example two_processes
//! ```
//!
//! The parent maps a memfd, lays a ring into it and reads. Its children, which are this program again, inherit the file
//! and write numbers. The first would write for ever, and is killed. The second takes its end over, writes some more,
//! and closes. Linux only: elsewhere it says so.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("this example asks Linux for memory that processes share");
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        env,
        error::Error,
        hint, io,
        os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        process::{Child, Command},
        ptr,
        ptr::NonNull,
        thread,
    };

    use shared_nothing::rings::shared::{self, Owner, Ring, TryPopError, TryPushError};

    /// An item: its number and what must come with it, in another cache line. A torn one would be seen.
    type Record = [u64; 16];

    fn record(number: u64) -> Record {
        std::array::from_fn(|at| number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at as u64)
    }

    const CAPACITY: usize = 256;
    const BYTES: usize = 1 << 16;
    /// The number after the last.
    const END: u64 = 20_000;

    /// A file in memory that children inherit.
    fn new_file() -> io::Result<OwnedFd> {
        // SAFETY: a name that ends; without MFD_CLOEXEC a child has the file under the same number.
        let file = unsafe { libc::memfd_create(c"ring".as_ptr(), 0) };
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the number is that of a new file, which nobody else owns.
        let file = unsafe { OwnedFd::from_raw_fd(file) };
        // SAFETY: a file of ours.
        if unsafe { libc::ftruncate(file.as_raw_fd(), BYTES as libc::off_t) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(file)
    }

    /// Maps the file, until the process ends.
    fn map(file: RawFd) -> io::Result<NonNull<u8>> {
        let (may, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping, where the kernel likes.
        let start = unsafe { libc::mmap(ptr::null_mut(), BYTES, may, shared, file, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(NonNull::new(start.cast()).expect("the kernel maps nothing at 0 unasked"))
    }

    /// This program again, with what it is to do.
    fn child(file: RawFd, first: u64, end: u64) -> io::Result<Child> {
        let numbers = [file.to_string(), first.to_string(), end.to_string()];
        Command::new(env::current_exe()?)
            .arg("--child")
            .args(numbers)
            .spawn()
    }

    /// Writes records from `first` to `end`, and closes.
    fn write(file: RawFd, first: u64, end: u64) -> Result<(), Box<dyn Error>> {
        // SAFETY: 1: mapped until the process ends, as long as the ring says. 2: nothing else here uses it.
        let ring: Ring<'_, Record> = unsafe { shared::attach(map(file)?, BYTES)? };
        let is_dead = |owner: Owner| matches!(owner.is_alive(), Ok(false));
        let mut tx = ring.take_over_producer(Owner::this_process()?, is_dead)?;
        for number in first..end {
            while let Err(error) = tx.try_push(record(number)) {
                match error {
                    TryPushError::Full(_) => thread::yield_now(),
                    refused => return Err(refused.to_string().into()),
                }
            }
        }
        Ok(()) // The end closes when it is dropped.
    }

    /// Takes records until `is_enough`, or there are no more. Each must be the next one, and whole.
    fn read(
        rx: &mut shared::Consumer<'_, Record>,
        next: &mut u64,
        mut is_enough: impl FnMut(u64, Option<Owner>) -> bool,
    ) -> TryPopError {
        loop {
            match rx.try_pop() {
                Ok(got) => {
                    assert_eq!(got, record(*next), "torn, lost or out of order");
                    *next += 1;
                }
                Err(TryPopError::Empty) if !is_enough(*next, rx.peer()) => hint::spin_loop(),
                Err(why) => return why,
            }
        }
    }

    pub(crate) fn main() -> Result<(), Box<dyn Error>> {
        let mut arguments = env::args().skip(1);
        if arguments.next().as_deref() == Some("--child") {
            let mut number = || arguments.next().ok_or("a number is missing");
            let file: RawFd = number()?.parse()?;
            return write(file, number()?.parse()?, number()?.parse()?);
        }

        let file = new_file()?;
        // SAFETY: as in `write`.
        let ring: Ring<'_, Record> =
            unsafe { shared::create(map(file.as_raw_fd())?, BYTES, CAPACITY)? };
        let mut rx = ring.consumer(Owner::this_process()?)?;
        let mut next = 0;

        let mut first = child(file.as_raw_fd(), next, u64::MAX)?;
        read(&mut rx, &mut next, |next, _| next > 1000);
        first.kill()?;
        first.wait()?;
        // Nobody has closed the ring: it is empty, and its other end belongs to a process that is no more.
        let why = read(&mut rx, &mut next, |_, peer| {
            peer.is_some_and(|peer| matches!(peer.is_alive(), Ok(false)))
        });
        let dead = rx.peer().ok_or("the dead process has left its name")?;
        assert_eq!((why, dead.pid()), (TryPopError::Empty, first.id()));
        println!("{dead} is dead; {next} records came from it, all whole");

        let mut second = child(file.as_raw_fd(), next, next.max(END))?;
        let why = read(&mut rx, &mut next, |_, _| false);
        assert!(second.wait()?.success());
        assert_eq!((why, next >= END), (TryPopError::Closed, true));
        println!(
            "process {} went on behind them, and closed after {next}",
            second.id()
        );
        Ok(())
    }
}
