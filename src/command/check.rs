//! `--check`: a command of the user judges an answer before it is printed.

use std::collections::HashSet;
use std::io::{self, PipeReader, Read, Write, pipe};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use std::{fmt, thread};

use anyhow::{Context, Error, Result};

use super::signals::{KILL, signal_group};
use crate::api::{TimeLimit, stopped};
use crate::error::{Failure, Kind};
use crate::shell;
use crate::sync::lock;

/// How much of the command's output is retained, in bytes.
const MOST_OUTPUT: usize = 4 << 10;
/// How long to wait for the rest of the output after the command ended. A process that it left behind may never close
/// the pipe.
const LAST_OUTPUT: Duration = Duration::from_millis(200);
/// How often to look whether the command has ended, if its time is limited.
const TICK: Duration = Duration::from_millis(10);
/// Variables that may hold the key.
const SECRETS: [&str; 2] = ["ANYROUTER_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// The running commands of a batch. Each has its own process group, so Ctrl-C on the terminal does not reach it.
#[derive(Default)]
pub struct RunningChecks(Mutex<HashSet<u32>>);

impl RunningChecks {
    /// Ends them by a signal. No new command starts before the returned guard is dropped.
    pub fn end_by(&self, signal: i32) -> MutexGuard<'_, HashSet<u32>> {
        let running = lock(&self.0);
        running.iter().for_each(|group| signal_group(*group, signal));
        running
    }
}

/// Why an answer did not pass.
pub struct Rejection {
    status: ExitStatus,
    /// The start of what the command wrote.
    output: String,
}

/// Runs the command with this input. `None` if the answer passed. An error if the command cannot be run. In a batch,
/// the command is listed in `running`.
pub fn check(
    command: &str,
    input: Vec<u8>,
    running: Option<&RunningChecks>,
    limit: Option<&TimeLimit>,
) -> Result<Option<Rejection>> {
    let cannot = || Failure::new(Kind::Setup, "cannot run the command of --check");
    let judged = judge(command, input, running, limit).with_context(cannot)?;
    let Some(rejection) = judged else {
        let why = "the command of --check did not end within";
        return Err(limit.map_or_else(stopped, |limit| limit.failure(why)).into());
    };
    // 127: the shell did not find it; 126: the shell may not run it
    if matches!(rejection.status.code(), Some(126 | 127)) {
        return Err(Error::msg(rejection.first_line().to_string())).with_context(cannot);
    }
    Ok((!rejection.status.success()).then_some(rejection))
}

/// `None` if the time was over before the command ended.
fn judge(
    command: &str,
    input: Vec<u8>,
    running: Option<&RunningChecks>,
    limit: Option<&TimeLimit>,
) -> io::Result<Option<Rejection>> {
    let (reader, writer) = pipe()?;
    let mut command = shell::command(command)?;
    command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
    for name in SECRETS {
        command.env_remove(name);
    }
    let mut child = match running {
        Some(RunningChecks(running)) => {
            #[cfg(unix)]
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            let mut running = lock(running);
            let child = command.spawn()?;
            running.insert(child.id());
            child
        }
        None => command.spawn()?,
    };
    // now only the child can write to the pipe, so the pipe ends with the child
    drop(command);
    let output = Arc::new(Mutex::new(Vec::new()));
    let start = Arc::clone(&output);
    let (sender, ended) = channel();
    thread::Builder::new().spawn(move || {
        read_start(reader, &start);
        sender.send(())
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // in a thread, because the command may not read its input
        thread::Builder::new().spawn(move || stdin.write_all(&input))?;
    }
    let status = wait(&mut child, limit)?;
    running.map(|RunningChecks(running)| lock(running).remove(&child.id()));
    let Some(status) = status else {
        let in_group = running.is_some();
        if in_group {
            signal_group(child.id(), KILL);
        } else {
            child.kill()?;
        }
        child.wait()?;
        return Ok(None);
    };
    let _ = ended.recv_timeout(LAST_OUTPUT);
    let output = lock(&output);
    Ok(Some(Rejection { status, output: String::from_utf8_lossy(&output).into_owned() }))
}

/// The exit status of the command; `None` if the time is over first.
fn wait(child: &mut Child, limit: Option<&TimeLimit>) -> io::Result<Option<ExitStatus>> {
    let Some(limit) = limit else { return child.wait().map(Some) };
    while !limit.is_shorter_than(Duration::ZERO) {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(TICK);
    }
    Ok(None)
}

/// Reads everything, so that the command can always write, but retains only the start.
fn read_start(mut reader: PipeReader, start: &Mutex<Vec<u8>>) {
    let mut piece = [0; MOST_OUTPUT];
    while let Ok(count @ 1..) = reader.read(&mut piece) {
        let mut start = lock(start);
        let room = MOST_OUTPUT - start.len();
        start.extend_from_slice(&piece[..count.min(room)]);
    }
}

impl Rejection {
    /// Whether the command judged the answer. `false` if a signal ended the command.
    pub fn is_judgement(&self) -> bool {
        self.status.code().is_some()
    }

    /// The message that asks the model for a better answer.
    pub fn feedback(&self) -> String {
        let output = self.output.trim();
        let said = if output.is_empty() { "It printed nothing." } else { "It printed:" };
        let gap = if output.is_empty() { "" } else { "\n\n" };
        format!(
            "A program checked your last answer and rejected it ({}). {said}{gap}{output}\n\n\
             Answer the first question again so that the check passes. Give the whole answer in the \
             form that was asked for, without an apology and without a comment on the mistake.",
            self.status
        )
    }

    /// The failure after the last try.
    pub fn failure(&self) -> Failure {
        let hint = "use -v to see the answer, or --check-retries N to allow more tries";
        let hint = self.is_judgement().then_some(hint);
        Failure::new(Kind::CheckFailed, self.to_string()).maybe_hint(hint)
    }

    fn first_line(&self) -> &str {
        self.output.trim().lines().next().unwrap_or("it printed nothing")
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer did not pass --check ({}): {}", self.status, self.first_line())
    }
}
