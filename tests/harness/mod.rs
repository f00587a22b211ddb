//! What a test is: arguments, standard input and environment, and exactly what has to come of them.

mod pty;
mod server;
mod service;

pub use pty::{Pty, pty};
pub use server::{Act, Received, Server, answer, chunked, http, json_answer, stream, text_events};
pub use service::Service;

use assert_cmd::Command;
use predicates::BoxPredicate;
use predicates::prelude::*;

/// A key that must never be seen anywhere but at the server.
pub const KEY: &str = "sk-marked-4f1d";

/// One run of the program and what is expected of it; nothing on either stream unless said.
pub struct Run {
    command: Command,
    stdout: Vec<u8>,
    stderr: Vec<BoxPredicate<str>>,
}

/// The program with these arguments, an empty environment and nothing on standard input.
pub fn anyask<const N: usize>(args: [&str; N]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anyask"));
    command.args(args).env_clear().write_stdin("");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    Run {
        command,
        stdout: Vec::new(),
        stderr: Vec::new(),
    }
}

impl Run {
    /// Asks `server`, with the marked key.
    pub fn at(self, server: &Server) -> Self {
        let url = server.url();
        self.env("ANYROUTER_BASE_URL", &url)
            .env("ANYROUTER_API_KEY", KEY)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.command.write_stdin(bytes);
        self
    }

    pub fn in_dir(mut self, dir: &std::path::Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Exactly this is on stdout.
    pub fn prints(mut self, stdout: impl Into<Vec<u8>>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// Exactly this is on stderr.
    pub fn says(self, stderr: &str) -> Self {
        self.says_what(predicate::str::diff(stderr.to_string()).boxed())
    }

    /// This is on stderr, among other things.
    pub fn mentions(self, part: &str) -> Self {
        self.says_what(predicate::str::contains(part.to_string()).boxed())
    }

    /// Stderr as a whole matches this expression.
    pub fn matches(self, pattern: &str) -> Self {
        let pattern = predicate::str::is_match(format!("(?s)^{pattern}$")).expect("a pattern");
        self.says_what(pattern.boxed())
    }

    fn says_what(mut self, predicate: BoxPredicate<str>) -> Self {
        self.stderr.push(predicate);
        self
    }

    /// Runs it and checks everything at once.
    #[track_caller]
    pub fn exits(mut self, status: i32) {
        let output = self.command.output().expect("the program to run");
        let stderr = String::from_utf8(output.stderr).expect("stderr to be UTF-8");
        let all = format!(
            "stdout: {}\nstderr: {stderr}\n{}",
            String::from_utf8_lossy(&output.stdout),
            output.status
        );
        assert_eq!(output.status.code(), Some(status), "{all}");
        assert!(
            output.stdout == self.stdout,
            "stdout is not what it should be\n{all}"
        );
        if self.stderr.is_empty() {
            assert_eq!(stderr, "", "{all}");
        }
        for predicate in &self.stderr {
            assert!(
                predicate.eval(&stderr),
                "stderr is not so: {predicate}\n{all}"
            );
        }
        assert!(!all.contains(KEY), "the key is shown\n{all}");
    }

    /// The command itself, for a test that wants to see it run.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it; it has to exit with 0, and its stderr is for the test to judge.
    #[track_caller]
    pub fn output_and(mut self, judge: impl FnOnce(&str)) {
        let output = self.command.output().expect("the program to run");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        judge(&stderr);
    }

    /// Runs it for what it prints; it has to exit with 0 and say nothing.
    #[track_caller]
    pub fn output(mut self) -> String {
        let output = self.command.output().expect("the program to run");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{stderr}");
        String::from_utf8(output.stdout).expect("stdout to be UTF-8")
    }
}
