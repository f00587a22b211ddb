//! Who may write to a terminal.

/// Whether our process group is in the foreground of this terminal. Elsewhere the shell's prompt or another program's
/// output is on the line, and after `stty tostop` the system stops whoever writes.
#[cfg(unix)]
pub fn is_ours(terminal: impl std::os::fd::AsFd) -> bool {
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

#[cfg(not(unix))]
pub fn is_ours<T>(_: T) -> bool {
    true
}
