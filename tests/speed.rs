//! What makes it fast, told without a clock: how often it writes, and how much memory it takes.

#[cfg(target_os = "linux")]
mod writes;

use crate::harness::{Events, Server, anyask};

#[test]
fn memory_does_not_grow_with_the_stream() {
    let peak = |deltas: usize| {
        let delta = Events::bare().text("sixteen bytes...").bytes();
        let events = Events::new().text("").raw(delta.repeat(deltas)).stop("end_turn");
        let server = Server::once(events.http());
        anyask(["hi"]).at(&server).peak_memory(0)
    };
    let (short, long) = (peak(1), peak(200_000));
    assert!(long <= short + 1, "{short} and {long} MiB");
}

#[cfg(not(target_os = "linux"))]
#[test]
fn says_what_needs_linux() {
    crate::harness::skip("how often it writes is seen on Linux only (speed::writes)");
}
