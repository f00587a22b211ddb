//! A real pseudo-terminal, for what only a terminal shows.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Run;

/// Which of the program's three streams are the terminal; the others are empty pipes.
pub type Streams = [bool; 3];
pub const ALL: Streams = [true, true, true];
pub const STDOUT: Streams = [false, true, false];
pub const STDERR: Streams = [false, false, true];
pub const STDOUT_AND_STDERR: Streams = [false, true, true];

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
    pub fn on_terminal_of(mut self, columns: u16, streams: Streams) -> Pty {
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
        if !self.command.get_envs().any(|(name, _)| name == "TERM") {
            self.command.env("TERM", "xterm");
        }
        let command = self.command.stdin(stream(0)).stdout(stream(1)).stderr(stream(2));
        let child = command.spawn().expect("the program to start");
        Pty { person: File::from(person), child, seen: Vec::new(), checked: 0 }
    }
}

impl Pty {
    pub fn types(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).expect("the terminal to take it");
    }

    /// Presses Ctrl-C, as the terminal passes it on to the program that it belongs to.
    pub fn interrupts(&mut self) {
        let child = Pid::from_child(&self.child);
        kill_process(child, Signal::INT).expect("the program to be there");
    }

    /// Reads until this was shown, after what was waited for before.
    #[track_caller]
    pub fn waits_for(&mut self, text: &str) {
        loop {
            let seen = String::from_utf8_lossy(&self.seen[self.checked..]);
            if let Some(at) = seen.find(text) {
                self.checked += seen[..at + text.len()].len();
                return;
            }
            let seen = seen.into_owned();
            assert!(self.reads(), "'{text}' never came, but {seen:?}");
        }
    }

    /// Reads to the program's end, checks its exit status, and gives all that was shown.
    #[track_caller]
    pub fn exits(mut self, status: i32) -> String {
        drop(self.child.stdin.take());
        while self.reads() {}
        let shown = String::from_utf8_lossy(&self.seen).into_owned();
        let code = self.child.wait().expect("the program to end").code();
        assert_eq!(code, Some(status), "{shown:?}");
        shown
    }

    /// Reads what comes next. On Linux, an error is the end: the last program has closed the terminal.
    #[track_caller]
    fn reads(&mut self) -> bool {
        let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
        let mut waiting = [PollFd::new(&self.person, PollFlags::IN)];
        let ready = poll(&mut waiting, Some(&patience)).expect("poll");
        let seen = String::from_utf8_lossy(&self.seen);
        assert_ne!(ready, 0, "nothing more came, after {seen:?}");
        let mut piece = [0; 1024];
        let count = self.person.read(&mut piece).unwrap_or(0);
        self.seen.extend(&piece[..count]);
        count > 0
    }
}
