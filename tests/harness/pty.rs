//! A real pseudo-terminal, for what only a terminal shows.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The person's side of a terminal on which a program runs.
pub struct Pty {
    pub person: File,
    pub child: Child,
    seen: Vec<u8>,
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
    }
}

impl Pty {
    pub fn types(&mut self, text: &str) {
        self.person
            .write_all(text.as_bytes())
            .expect("the terminal to take it");
    }

    /// Reads until this was shown.
    #[track_caller]
    pub fn waits_for(&mut self, text: &str) {
        let mut piece = [0; 1024];
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let count = self.person.read(&mut piece).unwrap_or(0);
            assert_ne!(
                count,
                0,
                "'{text}' never came, but {}",
                String::from_utf8_lossy(&self.seen)
            );
            self.seen.extend(&piece[..count]);
        }
    }

    /// Reads to the program's end: all that was shown, and the exit status.
    pub fn ends(mut self) -> (String, Option<i32>) {
        drop(self.child.stdin.take());
        let mut piece = [0; 1024];
        // the last program to close the terminal ends it with an error on Linux
        while let Ok(count @ 1..) = self.person.read(&mut piece) {
            self.seen.extend(&piece[..count]);
        }
        let status = self.child.wait().expect("the program to end").code();
        (String::from_utf8_lossy(&self.seen).into_owned(), status)
    }
}
