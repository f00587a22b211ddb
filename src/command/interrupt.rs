//! Ctrl-C, where something has to come to its end first. The program ends by the signal all the same, as a shell
//! that runs it in a loop has to see.

use anyhow::Result;

/// Calls `on` at each Ctrl-C, in a thread of its own.
#[cfg(unix)]
pub fn on_ctrl_c(mut on: impl FnMut() + Send + 'static) -> Result<()> {
    use crate::error::{Failure, Kind};
    use anyhow::Context;
    use signal_hook::{consts::SIGINT, iterator::Signals};

    let cannot = || Failure::new(Kind::Local, "cannot watch for Ctrl-C");
    let mut signals = Signals::new([SIGINT]).with_context(cannot)?;
    let watch = move || signals.forever().for_each(|_| on());
    std::thread::Builder::new()
        .spawn(watch)
        .with_context(cannot)?;
    Ok(())
}

/// Ends the program as Ctrl-C does where nobody watches for it.
#[cfg(unix)]
pub fn end_by_ctrl_c() {
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT);
}

/// Where there is no such signal, Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub fn on_ctrl_c(_: impl FnMut() + Send + 'static) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub fn end_by_ctrl_c() {}
