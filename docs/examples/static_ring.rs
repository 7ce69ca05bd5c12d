//! A ring in a `static`, between an interrupt handler and a main loop: no allocator, no `std`.
//!
//! ```text
//! cargo run -p shared-nothing-rings --example static_ring                  a thread plays the interrupt
//! cargo run -p shared-nothing-rings --example static_ring --profile bare   a binary without std
//! ```
//!
//! What a device would run is in this file's upper half and names `core` and the rings alone. In the profile `bare`,
//! where a panic aborts, nothing else is linked but the C library, for `main` and `memcpy`; on a microcontroller its
//! place is taken by a runtime of that kind. It exits with 0 if every sample came through, in order.
#![cfg_attr(panic = "abort", no_std, no_main)]

use shared_nothing_rings::{TryPopError, TryPushError, spsc};

/// Samples from the handler to the loop. A constant: all zeros, in `.bss`, there before anything runs.
static SAMPLES: spsc::Ring<u32, 64> = spsc::Ring::new();

/// What the interrupt handler owns. It cannot wait, so it counts what finds no place.
struct Sensor {
    samples: spsc::Producer<'static, u32>,
    next: u32,
    overruns: u32,
}

impl Sensor {
    fn on_interrupt(&mut self) {
        match self.samples.try_push(self.next) {
            Ok(()) => self.next += 1,
            Err(TryPushError::Full(_)) => self.overruns += 1,
            Err(TryPushError::Closed(_)) => {}
        }
    }
}

/// What the main loop owns.
struct Filter {
    samples: spsc::Consumer<'static, u32>,
    count: u32,
}

impl Filter {
    /// Takes what is there. `false` if a sample is not the one that must come next.
    fn turn(&mut self) -> bool {
        loop {
            match self.samples.try_pop() {
                Ok(sample) if sample == self.count => self.count += 1,
                Ok(_) => return false,
                Err(TryPopError::Empty | TryPopError::Closed) => return true,
            }
        }
    }
}

/// Splits the ring, once: a second call gets nothing, and needs no `unsafe` to find out.
fn parts() -> Option<(Sensor, Filter)> {
    let (producer, consumer) = SAMPLES.split_static()?;
    let sensor = Sensor {
        samples: producer,
        next: 0,
        overruns: 0,
    };
    Some((
        sensor,
        Filter {
            samples: consumer,
            count: 0,
        },
    ))
}

/// Bursts of interrupts that the loop keeps up with, and one that it does not.
fn bursts() -> bool {
    let Some((mut sensor, mut filter)) = parts() else {
        return false;
    };
    for burst in [1, 63, 64, 100, 2] {
        (0..burst).for_each(|_| sensor.on_interrupt());
        if !filter.turn() {
            return false;
        }
    }
    (sensor.next, filter.count, sensor.overruns) == (194, 194, 36) && parts().is_none()
}

#[cfg(panic = "abort")]
mod bare {
    /// The C library calls it, and exits with what it returns.
    #[unsafe(no_mangle)]
    extern "C" fn main() -> i32 {
        i32::from(!super::bursts())
    }

    #[link(name = "c")]
    unsafe extern "C" {
        safe fn abort() -> !;
    }

    #[panic_handler]
    fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
        abort()
    }

    /// Named by the tables of the prebuilt `core`, and never called: nothing unwinds here.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}
}

#[cfg(not(panic = "abort"))]
fn main() {
    const SAMPLES: u32 = 100_000;
    let (mut sensor, mut filter) = parts().expect("nobody has split it before");
    let interrupts = std::thread::spawn(move || {
        while sensor.next < SAMPLES {
            sensor.on_interrupt();
            if sensor.samples.is_full() {
                std::thread::yield_now();
            }
        }
        sensor.overruns
    });
    while filter.count < SAMPLES {
        assert!(filter.turn(), "a sample out of order");
        std::thread::yield_now();
    }
    let overruns = interrupts.join().expect("no panic");
    // Both ends are to be given back before the ring can be split again.
    drop(filter);
    assert!(bursts(), "the bursts of the binary without std");
    println!("{SAMPLES} samples in order through a static; {overruns} times it was full");
}
