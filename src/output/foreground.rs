//! Who may write to a terminal.

/// Whether our process group is in the foreground of this terminal. Elsewhere the shell's prompt or another program's
/// output is on the line, and after `stty tostop` the system stops whoever writes.
#[cfg(unix)]
pub fn is_ours(terminal: impl std::os::fd::AsFd) -> bool {
    use nix::unistd::{Pid, getpgrp, tcgetpgrp};
    // groups outside of our namespace are all 0
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp() && group != Pid::from_raw(0))
}

#[cfg(not(unix))]
pub fn is_ours<T>(_: T) -> bool {
    true
}
