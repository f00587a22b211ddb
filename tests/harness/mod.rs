//! What a test is: arguments, standard input and environment, and exactly what has to come of them.

mod pty;
mod server;
mod service;

pub use pty::{Pty, pty};
pub use server::{Act, Received, Server, answer, chunked, http, json_answer, stream, text_events};
pub use service::Service;

use std::io::Read;
use std::path::Path;
use std::process;

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

    pub fn in_dir(mut self, dir: &Path) -> Self {
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

/// Runs the program under a watch: how it ended, its stderr, and its peak memory in MiB. Stdout is thrown away.
pub fn measured(args: &[&str], dir: &Path) -> (Option<i32>, String, u64) {
    let watch = "import resource, subprocess, sys\n\
                 done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n\
                 print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
                 sys.exit(done.returncode)";
    let output = process::Command::new("python3")
        .args(["-c", watch, env!("CARGO_BIN_EXE_anyask")])
        .args(args)
        .env("ANYROUTER_API_KEY", "k")
        .current_dir(dir)
        .output()
        .expect("python3");
    let peak: u64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("the peak");
    let unit = if cfg!(target_os = "macos") {
        1 << 20
    } else {
        1 << 10
    };
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), stderr, peak / unit)
}

/// Checks that this is printed while the server, which has sent this part of a stream, goes on with nothing.
#[track_caller]
pub fn prints_in_time(args: &[&str], part: &str, printed: &str) {
    let server = Server::new(vec![vec![Act::Send(stream(part)), Act::Hang]]);
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args(["--no-stdin", "--base-url", &server.url(), "hi"])
        .args(args)
        .env("ANYROUTER_API_KEY", "k")
        .stdout(process::Stdio::piped())
        .spawn()
        .expect("the program");
    let mut first = vec![0; printed.len()];
    let mut stdout = child.stdout.take().expect("stdout");
    stdout.read_exact(&mut first).expect("text in time");
    assert_eq!(String::from_utf8_lossy(&first), printed);
    child.kill().expect("the program to be alive still");
    child.wait().expect("the end");
}
