//! `--check`: a command of the user judges an answer before it is printed.

use std::collections::HashSet;
use std::io::{self, PipeReader, Read, Write, pipe};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use std::{fmt, thread};

use anyhow::{Context, Error, Result};

use super::signals::{KILL, MOMENT, signal_group, signal_process};
use crate::api::TimeLimit;
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
/// Why a question is not answered in time, with the limit after it.
const UNENDED: &str = "the command of --check did not end within";
/// Variables that may hold the key.
const SECRETS: [&str; 2] = ["ANYROUTER_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// The commands that are running.
pub struct RunningChecks {
    /// Each has its own process group, as in a batch: Ctrl-C on the terminal does not reach it, and it cannot use the
    /// terminal.
    in_groups: bool,
    running: Mutex<HashSet<u32>>,
}

impl RunningChecks {
    pub fn new(in_groups: bool) -> Self {
        Self { in_groups, running: Mutex::default() }
    }

    /// Ends them by a signal. No new command starts before the returned guard is dropped.
    pub fn end_by(&self, signal: i32) -> MutexGuard<'_, HashSet<u32>> {
        let running = lock(&self.running);
        running.iter().for_each(|id| self.signal(*id, signal));
        running
    }

    fn signal(&self, id: u32, signal: i32) {
        if self.in_groups { signal_group(id, signal) } else { signal_process(id, signal) }
    }

    fn spawn(&self, mut command: Command) -> io::Result<Child> {
        #[cfg(unix)]
        if self.in_groups {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let mut running = lock(&self.running);
        let child = command.spawn()?;
        running.insert(child.id());
        Ok(child)
    }

    /// Waits for the command, and ends it if it does not end by itself.
    fn wait(&self, mut child: Child, limit: Option<&TimeLimit>) -> io::Result<End> {
        let end = wait(&mut child, limit, self.in_groups);
        if !matches!(end, Ok(End::Exited(_))) {
            self.signal(child.id(), KILL);
            let _ = child.wait();
        }
        if let Ok(End::Exited(status)) = end
            && status.code().is_none()
        {
            // Ctrl-C on the terminal went to both, and the program ends by it
            thread::sleep(MOMENT);
        }
        lock(&self.running).remove(&child.id());
        end
    }
}

/// How a command ended.
enum End {
    Exited(ExitStatus),
    /// The time of the question was over.
    OutOfTime(Failure),
    /// It stopped, because it wanted to use the terminal.
    Stopped,
}

/// Why an answer did not pass.
pub enum Rejection {
    /// There was nothing to judge: no text, or no code block under `-x`.
    NoContent(Failure),
    /// The command judged it: how it ended, and the start of what it wrote.
    Judged { status: String, output: String },
    /// The command ended without a judgement, so another answer would not pass either.
    Unjudged { status: String, output: String },
}

/// Runs the command with this input and these variables. `None` if the answer passed. An error if the command cannot be
/// run.
pub fn check(
    command: &str,
    input: Vec<u8>,
    variables: &[(&str, String)],
    running: &RunningChecks,
    limit: Option<&TimeLimit>,
) -> Result<Option<Rejection>> {
    let cannot = || Failure::new(Kind::Setup, "cannot run the command of --check");
    let (end, output) = run(command, input, variables, running, limit).with_context(cannot)?;
    let output = output.trim().to_string();
    let rejection = match end {
        End::Exited(status) if status.success() => return Ok(None),
        // 127: the shell did not find it; 126: the shell may not run it
        End::Exited(status) if matches!(status.code(), Some(126 | 127)) => {
            return Err(Error::msg(first_line(&output).to_string())).with_context(cannot);
        }
        End::Exited(status) if status.code().is_some() => {
            Rejection::Judged { status: status.to_string(), output }
        }
        End::Exited(status) => Rejection::Unjudged { status: status.to_string(), output },
        End::OutOfTime(failure) => return Err(failure.into()),
        End::Stopped => {
            let output = "in a batch, the command cannot use the terminal".into();
            Rejection::Unjudged { status: "it stopped".into(), output }
        }
    };
    Ok(Some(rejection))
}

/// Runs the command to its end, and returns the start of what it wrote.
fn run(
    command: &str,
    input: Vec<u8>,
    variables: &[(&str, String)],
    running: &RunningChecks,
    limit: Option<&TimeLimit>,
) -> io::Result<(End, String)> {
    let (reader, writer) = pipe()?;
    let mut command = shell::command(command)?;
    command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    for name in SECRETS {
        command.env_remove(name);
    }
    let output = Arc::new(Mutex::new(Vec::new()));
    let start = Arc::clone(&output);
    let (sender, ended) = channel();
    thread::Builder::new().spawn(move || {
        read_start(reader, &start);
        sender.send(())
    })?;
    // the command has the only other end of the pipe, which ends with it
    let mut child = running.spawn(command)?;
    if let Some(mut stdin) = child.stdin.take() {
        // in a thread, because the command may not read its input
        let _ = thread::Builder::new().spawn(move || stdin.write_all(&input));
    }
    let end = running.wait(child, limit)?;
    let _ = ended.recv_timeout(LAST_OUTPUT);
    let output = lock(&output);
    Ok((end, String::from_utf8_lossy(&output).into_owned()))
}

/// Waits until the command ends or its time is over or, if it is `in_group`, until it stops.
#[cfg(unix)]
fn wait(child: &mut Child, limit: Option<&TimeLimit>, in_group: bool) -> io::Result<End> {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::{Pid, WaitOptions, waitpid};
    let mut options = WaitOptions::empty();
    options.set(WaitOptions::UNTRACED, in_group);
    options.set(WaitOptions::NOHANG, limit.is_some());
    loop {
        match waitpid(Some(Pid::from_child(child)), options) {
            Ok(Some((_, status))) if status.stopped() => return Ok(End::Stopped),
            Ok(Some((_, status))) => {
                return Ok(End::Exited(ExitStatus::from_raw(status.as_raw())));
            }
            Ok(None) => {
                if let Some(limit) = limit.filter(|limit| limit.is_over()) {
                    return Ok(End::OutOfTime(limit.failure(UNENDED)));
                }
                thread::sleep(TICK);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
fn wait(child: &mut Child, limit: Option<&TimeLimit>, _: bool) -> io::Result<End> {
    let Some(limit) = limit else { return child.wait().map(End::Exited) };
    while !limit.is_over() {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exited(status));
        }
        thread::sleep(TICK);
    }
    Ok(End::OutOfTime(limit.failure(UNENDED)))
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

fn first_line(output: &str) -> &str {
    output.lines().next().unwrap_or("it printed nothing")
}

impl Rejection {
    /// Whether another answer may pass.
    pub fn is_judgement(&self) -> bool {
        !matches!(self, Self::Unjudged { .. })
    }

    /// The message that asks the model for a better answer.
    pub fn feedback(&self) -> String {
        let said = match self {
            Self::NoContent(why) => format!("A program could not use your last answer: {why}."),
            Self::Judged { status, output } | Self::Unjudged { status, output } => {
                let printed = if output.is_empty() {
                    "It printed nothing.".into()
                } else {
                    format!("It printed:\n\n{output}")
                };
                format!("A program checked your last answer and rejected it ({status}). {printed}")
            }
        };
        format!(
            "{said}\n\n\
             Answer the first question again so that the check passes. Give the whole answer in the \
             form that was asked for, without an apology and without a comment on the mistake."
        )
    }

    /// The failure after the last try.
    pub fn failure(&self) -> Failure {
        let hint = "use -v to see the answer, or --check-retries N to allow more tries";
        let hint = self.is_judgement().then_some(hint);
        Failure::new(Kind::CheckFailed, self.to_string()).maybe_hint(hint)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer did not pass --check")?;
        match self {
            Self::NoContent(why) => write!(f, ": {why}"),
            Self::Judged { status, output } | Self::Unjudged { status, output } => {
                write!(f, " ({status}): {}", first_line(output))
            }
        }
    }
}
