//! A real pseudo-terminal, for what only a terminal shows.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The person's side of a terminal on which a program runs.
pub struct Pty {
    pub person: File,
    pub child: Child,
    seen: Vec<u8>,
    checked: usize,
}

/// Which of the program's three streams are the terminal; the others are empty pipes.
pub fn pty(args: &[&str], on_terminal: [bool; 3], environment: &[(&str, &str)]) -> Pty {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
    grantpt(&person).expect("grantpt");
    unlockpt(&person).expect("unlockpt");
    let name = ptsname(&person, Vec::new())
        .expect("ptsname")
        .into_string()
        .expect("a name");
    let terminal = || {
        Stdio::from(
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&name)
                .expect("the terminal"),
        )
    };
    let stream = |index: usize| {
        if on_terminal[index] {
            terminal()
        } else {
            Stdio::piped()
        }
    };
    let child = Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args(args)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(stream(0))
        .stdout(stream(1))
        .stderr(stream(2))
        .spawn()
        .expect("the program to start");
    Pty {
        person: File::from(person),
        child,
        seen: Vec::new(),
        checked: 0,
    }
}

impl Pty {
    pub fn types(&mut self, text: &str) {
        self.person
            .write_all(text.as_bytes())
            .expect("the terminal to take it");
    }

    /// Presses Ctrl-C, as the terminal driver passes it on to the program that it belongs to.
    pub fn interrupts(&mut self) {
        let child = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(child, rustix::process::Signal::INT)
            .expect("the program to be there");
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

    /// Reads to the program's end: all that was shown, and the exit status.
    #[track_caller]
    pub fn ends(mut self) -> (String, Option<i32>) {
        drop(self.child.stdin.take());
        while self.reads() {}
        let status = self.child.wait().expect("the program to end").code();
        (String::from_utf8_lossy(&self.seen).into_owned(), status)
    }

    /// Reads what comes next; the last program to close the terminal ends it with an error on Linux.
    #[track_caller]
    fn reads(&mut self) -> bool {
        let patience = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
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
