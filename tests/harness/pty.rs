//! A real pseudo-terminal, for what only a terminal shows. The program runs in its foreground.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcgetpgrp, tcsetwinsize};

use super::Run;

/// Which of the program's three streams are the terminal; the others are empty pipes.
pub type Streams = [bool; 3];
pub const ALL: Streams = [true, true, true];
pub const STDOUT: Streams = [false, true, false];
pub const STDERR: Streams = [false, false, true];
pub const STDOUT_AND_STDERR: Streams = [false, true, true];

/// Runs a program in a session of its own, whose terminal is `$0`, and prints the program's status between NULs. The
/// session stays until it is killed, because what was printed last may vanish with it.
const SESSION: &str = r#": <>"$0"
    trap : HUP INT QUIT TERM
    exec 3>&2 2>/dev/null
    "$@" 2>&3 3>&-
    printf '\0%s\0' $? >"$0"
    kill -STOP $$"#;

/// The person's side of a terminal on which a program runs.
pub struct Pty {
    person: File,
    child: Child,
    seen: Vec<u8>,
    checked: usize,
}

impl Run {
    /// Starts it on a terminal, an xterm unless the environment says otherwise.
    pub fn on_terminal(self, streams: Streams) -> Pty {
        self.on_terminal_of(80, streams)
    }

    /// Starts it on a terminal with this many columns.
    pub fn on_terminal_of(self, columns: u16, streams: Streams) -> Pty {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
        grantpt(&person).expect("grantpt");
        unlockpt(&person).expect("unlockpt");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&person, size).expect("a size");
        let name = ptsname(&person, Vec::new()).expect("ptsname").into_string().expect("a name");
        let stream = |index: usize| {
            if !streams[index] {
                return Stdio::piped();
            }
            let terminal = OpenOptions::new().read(true).write(true).open(&name);
            Stdio::from(terminal.expect("the terminal"))
        };
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", SESSION, &name]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        command.env_clear().env("TERM", "xterm");
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        command.stdin(stream(0)).stdout(stream(1)).stderr(stream(2));
        let child = command.spawn().expect("the program to start");
        Pty { person: File::from(person), child, seen: Vec::new(), checked: 0 }
    }
}

impl Pty {
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        self.person.write_all(text.as_ref()).expect("the terminal to take it");
    }

    /// Sends a signal to the program, and to what it started.
    pub fn signals(&self, signal: Signal) {
        let group = tcgetpgrp(&self.person).expect("a foreground group");
        kill_process_group(group, signal).expect("the group to be there");
    }

    /// How the terminal treats what is typed.
    pub fn modes(&self) -> Termios {
        tcgetattr(&self.person).expect("a terminal")
    }

    /// Reads until this was shown, after what was waited for before. Gives what was shown meanwhile.
    #[track_caller]
    pub fn waits_for(&mut self, text: &str) -> String {
        loop {
            let seen = String::from_utf8_lossy(&self.seen[self.checked..]);
            if let Some(at) = seen.find(text) {
                let shown = seen[..at + text.len()].to_string();
                self.checked += shown.len();
                return shown;
            }
            assert!(self.end().is_none(), "'{text}' never came, but {seen:?}");
            self.reads();
        }
    }

    /// Reads to the program's end.
    #[track_caller]
    pub fn ends(&mut self) -> (String, String) {
        drop(self.child.stdin.take());
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            self.reads();
        }
    }

    /// Reads to the program's end, checks its exit status, and gives all that was shown. Of a signal, the status is that
    /// of a shell.
    #[track_caller]
    pub fn exits(mut self, status: i32) -> String {
        let (shown, code) = self.ends();
        assert_eq!(code, status.to_string(), "{shown:?}");
        shown
    }

    /// All that was shown and the exit status, once the program has ended.
    fn end(&self) -> Option<(String, String)> {
        let seen = String::from_utf8_lossy(&self.seen);
        let (shown, end) = seen.split_once('\0')?;
        Some((shown.into(), end.strip_suffix('\0')?.into()))
    }

    /// Reads what comes next.
    #[track_caller]
    fn reads(&mut self) {
        let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
        let mut waiting = [PollFd::new(&self.person, PollFlags::IN)];
        let ready = poll(&mut waiting, Some(&patience)).expect("poll");
        let seen = String::from_utf8_lossy(&self.seen);
        assert_ne!(ready, 0, "nothing more came, after {seen:?}");
        let mut piece = [0; 1024];
        let count = self.person.read(&mut piece).expect("the terminal");
        self.seen.extend(&piece[..count]);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
