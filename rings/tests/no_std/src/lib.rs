//! Rings in statics, split once, used from two contexts. No allocator, no `std`; the functions have C names so that
//! their code is really made, and can be looked at.
#![no_std]

use shared_nothing_rings::{frames, spsc};

/// What a main loop and an interrupt handler share.
#[cfg(target_has_atomic = "ptr")]
pub static SAMPLES: spsc::Ring<u32, 64> = spsc::Ring::new();

/// Splits the static once, pushes a value and pops it.
#[cfg(target_has_atomic = "ptr")]
#[unsafe(no_mangle)]
pub extern "C" fn static_round_trip(sample: u32) -> u32 {
    let Some((mut tx, mut rx)) = SAMPLES.split_static() else {
        return 0;
    };
    let _full = tx.try_push(sample);
    rx.try_pop().unwrap_or(0)
}

/// Three threads of firmware into one.
#[cfg(target_has_atomic = "ptr")]
#[unsafe(no_mangle)]
pub extern "C" fn many_round_trip(sample: u32) -> u32 {
    use shared_nothing_rings::mpsc;

    let mut ring = mpsc::Ring::<u32, 4>::new();
    let (tx, mut rx) = ring.split();
    let _full = tx.clone().try_push(sample);
    rx.try_pop().unwrap_or(0)
}

/// A ring by `&mut`, which needs no compare-exchange.
#[unsafe(no_mangle)]
pub extern "C" fn borrowed_round_trip(ring: &mut spsc::Ring<u32, 4>, sample: u32) -> u32 {
    let (mut tx, mut rx) = ring.split();
    let _full = tx.try_push(sample);
    rx.try_pop().unwrap_or(0)
}

/// Frames of bytes, which need no compare-exchange either.
#[unsafe(no_mangle)]
pub extern "C" fn frame_round_trip(ring: &mut frames::Ring<64>, sample: u8) -> usize {
    let (mut tx, mut rx) = ring.split();
    let _full = tx.try_push(&[sample; 3]);
    rx.peek().map_or(0, |frame| frame.len())
}

/// A ring in memory that a linker script has set aside.
#[cfg(target_has_atomic = "ptr")]
#[unsafe(no_mangle)]
pub extern "C" fn placed_round_trip(
    memory: &mut [core::mem::MaybeUninit<u8>; 1024],
    sample: u32,
) -> u32 {
    let Ok((mut tx, mut rx)) = spsc::in_memory::<u32>(memory, 10) else {
        return 0;
    };
    let _full = tx.try_push(sample);
    rx.try_pop().unwrap_or(0)
}

/// Tasks of one thread on an allocator of the program's: spawn, yield, sleep by the caller's clock, join.
#[cfg(feature = "executor")]
#[unsafe(no_mangle)]
pub extern "C" fn tasks_round_trip(sample: u32, now_ns: u64) -> u32 {
    use core::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };
    use shared_nothing::executor::{LocalExecutor, yield_now};

    let local = LocalExecutor::with_signal(|| {});
    let timers = local.spawner();
    let mut task = pin!(local.spawn_local(async move {
        yield_now().await;
        timers.sleep_until(now_ns).await;
        sample
    }));
    while !task.is_finished() {
        local.turn(now_ns);
    }
    match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(sample)) => sample,
        _ => 0,
    }
}
