//! What a shard that runs does without the kernel: tasks, and timers that are set, changed, fired and dropped.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::{
    fs::File,
    future::{Future, poll_fn},
    io::{Read, Write},
    os::fd::FromRawFd,
    pin::pin,
    sync::mpsc,
    task::Poll,
    thread,
    time::Duration,
};

use shared_nothing::executor::{Executor, Idle, sleep, spawn_local, yield_now};

/// Both ends of a pipe, the reading one first.
fn pipe() -> [File; 2] {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: two open descriptors that nothing else owns.
    ends.map(|end| unsafe { File::from_raw_fd(end) })
}

/// From now on this thread is ended by any system call but `read`, `write` and `exit`. Strict seccomp would do so, too,
/// but takes away the clock.
fn refuse_system_calls() {
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const KILL_THREAD: u32 = 0;
    let step = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let number = |call: libc::c_long| u32::try_from(call).expect("a system call's number");
    let mut steps = [
        step(LOAD_NUMBER, 0, 0),
        step(JUMP_IF_EQUAL, 3, number(libc::SYS_read)),
        step(JUMP_IF_EQUAL, 2, number(libc::SYS_write)),
        step(JUMP_IF_EQUAL, 1, number(libc::SYS_exit)),
        step(RETURN, 0, KILL_THREAD),
        step(RETURN, 0, ALLOW),
    ];
    let filter = libc::sock_fprog {
        len: 6,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: takes no pointers; a filter needs it.
    let mut status = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(status, 0, "the kernel refuses it");
    // SAFETY: the filter lives until the call returns, and has as many steps as it says.
    status = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter) };
    assert_eq!(status, 0, "the kernel refuses it");
}

/// Ends this thread alone, and nothing of what it holds.
fn exit_thread() -> ! {
    // SAFETY: nobody waits for this thread, and nothing that others use lies on its stack.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!("it ends");
}

/// A task that yields keeps its shard in turns, each of which reads the clock.
async fn timers(count: usize) -> usize {
    let mut fired = 0;
    for round in 0..count {
        let mut long = pin!(sleep(Duration::from_secs(3600 + round as u64 % 7)));
        poll_fn(|cx| {
            assert!(long.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let task = spawn_local(async move {
            let mut short = pin!(sleep(Duration::from_nanos(1)));
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                short.as_mut().poll(cx)
            })
            .await;
            polls
        });
        yield_now().await;
        fired += usize::from(task.await.expect("it does not panic") != 0);
    }
    fired
}

#[test]
fn timers_and_tasks_of_a_running_shard_need_no_system_call() {
    let clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let clock = std::fs::read_to_string(clock).unwrap_or_default();
    if !["tsc", "kvm-clock", "arch_sys_counter"].contains(&clock.trim()) {
        println!("skipped: a reading of the clock {clock:?} may be a system call");
        return;
    }
    let [mut from, mut to] = pipe();
    let executor = Executor::builder()
        .with_shards(1)
        .with_idle(Idle::BusyPoll)
        .start()
        .expect("the settings are valid");
    let running = executor.handle().submit_async_to(0, move || async move {
        // The heap has grown by as much as is needed.
        assert_eq!(timers(100).await, 100);
        refuse_system_calls();
        assert_eq!(timers(5_000).await, 5_000);
        to.write_all(b"!").expect("it is read");
        exit_thread();
    });
    // Waited for by another thread: this one knows when to give up.
    let waits = thread::spawn(move || drop(running.wait()));
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut byte = [0];
        let read = from.read_exact(&mut byte).map(|()| byte);
        let _nobody_waits = tell.send(read.expect("it is written"));
    });
    let told = told.recv_timeout(Duration::from_secs(60));
    // Its thread never ends well, so nobody may wait for it.
    std::mem::forget((executor, waits));
    assert_eq!(told, Ok(*b"!"), "a system call has ended the shard");
}
