//! One run of the program: arguments, standard input and environment, and exactly what has to come of them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use predicates::BoxPredicate;
use predicates::prelude::*;
use serde_json::Value;

use super::{Folder, Server};

/// A key that nobody but the server may ever see.
pub const KEY: &str = "sk-marked-4f1d";

const PROGRAM: &str = env!("CARGO_BIN_EXE_anyask");

/// A run and what is expected of it; nothing on either stream unless said.
#[must_use]
pub struct Run {
    pub(super) command: Command,
    stdin: Option<Vec<u8>>,
    pub(super) expected: Expected,
}

/// What has to come of a run.
#[derive(Default)]
pub struct Expected {
    stdout: Vec<u8>,
    any_stdout: bool,
    stderr: Vec<BoxPredicate<str>>,
}

/// The program with these arguments, an empty environment and `/dev/null` as standard input.
pub fn anyask<const N: usize>(args: [&str; N]) -> Run {
    Run::new(PROGRAM).args(&args)
}

/// A line of bash in which `anyask` is the program.
pub fn bash(line: &str) -> Run {
    Run::new("bash").args(&["-c", &format!("set -o pipefail; {line}")])
}

/// A script that ends with its first failure, for this kind of shell.
pub fn shell(name: &str, script: &str) -> Run {
    Run::new(name).args(&["-ec", script])
}

/// Each line as JSON.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

impl Run {
    /// The one place where anything is started. Of the environment there is only the search path, in which
    /// the program comes first.
    fn new(program: &str) -> Self {
        #[cfg(unix)]
        reset_signals();
        let mut command = Command::new(program);
        let bin = Path::new(PROGRAM).parent().expect("a folder");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [bin.to_owned()].into_iter().chain(std::env::split_paths(&path));
        command.env_clear().env("PATH", std::env::join_paths(path).expect("a path"));
        if let Some(root) = std::env::var_os("SystemRoot") {
            // without it there is no network on Windows
            command.env("SystemRoot", root);
        }
        Self { command, stdin: None, expected: Expected::default() }
    }

    /// Asks this server, with the marked key.
    pub fn at(self, server: &Server) -> Self {
        self.base_url(server).env("ANYROUTER_API_KEY", KEY)
    }

    /// Asks this server, without a key.
    pub fn base_url(self, server: &Server) -> Self {
        self.env("ANYROUTER_BASE_URL", &server.url())
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub fn in_dir(mut self, folder: &Folder) -> Self {
        self.command.current_dir(folder.path());
        self
    }

    /// A terminal sends Ctrl-C to a group of processes.
    #[cfg(unix)]
    pub fn in_own_group(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self
    }

    /// Exactly this is on stdout.
    pub fn prints(mut self, stdout: impl Into<Vec<u8>>) -> Self {
        self.expected.stdout = stdout.into();
        self
    }

    /// Something is on stdout, which the test looks at itself.
    pub fn prints_something(mut self) -> Self {
        self.expected.any_stdout = true;
        self
    }

    /// Exactly this is on stderr.
    pub fn says(self, stderr: &str) -> Self {
        self.stderr(predicate::str::diff(stderr.to_string()).boxed())
    }

    /// This is on stderr, among other things.
    pub fn mentions(self, part: &str) -> Self {
        self.stderr(predicate::str::contains(part.to_string()).boxed())
    }

    /// Stderr as a whole matches this expression.
    pub fn matches(self, pattern: &str) -> Self {
        let pattern = predicate::str::is_match(format!("(?s)^{pattern}$")).expect("a pattern");
        self.stderr(pattern.boxed())
    }

    fn stderr(mut self, predicate: BoxPredicate<str>) -> Self {
        self.expected.stderr.push(predicate);
        self
    }

    /// Runs it, checks everything at once, and gives what it printed.
    #[track_caller]
    pub fn exits(self, status: i32) -> String {
        self.exits_with_one_of(&[status])
    }

    /// The same where several statuses are right.
    #[track_caller]
    pub fn exits_with_one_of(self, statuses: &[i32]) -> String {
        let Self { mut command, stdin, expected } = self;
        let output = match stdin {
            Some(bytes) => assert_cmd::Command::from_std(command).write_stdin(bytes).output(),
            None => command.stdin(Stdio::null()).output(),
        };
        expected.check(&output.expect("the program to run"), |end| {
            end.code().is_some_and(|code| statuses.contains(&code))
        })
    }

    /// Runs it for what it prints; it has to exit with 0 and say nothing.
    #[track_caller]
    pub fn output(self) -> String {
        self.prints_something().exits(0)
    }

    /// The same for what it prints as JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.output()).expect("JSON")
    }

    /// The body of the request that would be sent.
    #[track_caller]
    pub fn dry_run(self) -> Value {
        self.arg("--dry-run").json()
    }

    /// The same run, started by another program that gets these arguments first.
    #[cfg(unix)]
    pub(super) fn wrapped(self, outer: &Path, args: &[&str]) -> Self {
        let Self { command: inner, stdin, expected } = self;
        let mut command = Command::new(outer);
        command.args(args).arg(inner.get_program()).args(inner.get_args()).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = inner.get_current_dir() {
            command.current_dir(folder);
        }
        Self { command, stdin, expected }
    }
}

impl Expected {
    /// Checks how a run ended and what it printed and said, and that the key is in neither.
    #[track_caller]
    pub fn check(&self, output: &Output, ended_well: impl FnOnce(ExitStatus) -> bool) -> String {
        let stderr = String::from_utf8(output.stderr.clone()).expect("stderr to be UTF-8");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let all = format!("stdout: {stdout}\nstderr: {stderr}\n{}", output.status);
        assert!(ended_well(output.status), "the end is not as it should be\n{all}");
        let printed = self.any_stdout || output.stdout == self.stdout;
        assert!(printed, "stdout is not what it should be\n{all}");
        assert!(!self.stderr.is_empty() || stderr.is_empty(), "stderr should be empty\n{all}");
        for predicate in &self.stderr {
            assert!(predicate.eval(&stderr), "stderr is not so: {predicate}\n{all}");
        }
        assert!(!all.contains(KEY), "the key is shown\n{all}");
        stdout
    }
}

/// Whoever starts the tests may ignore Ctrl-C, as nohup and a shell's `&` do, and what a process ignores, its
/// children ignore too. What it handles is the default again in a child; so this process handles the
/// signals, and does with them what the default is.
#[cfg(unix)]
fn reset_signals() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag::register_conditional_default;
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            let always = std::sync::Arc::new(true.into());
            register_conditional_default(signal, always).expect("a handler");
        }
    });
}
