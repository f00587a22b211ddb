//! A run that goes on while the test does something.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::thread;

use super::run::Expected;
use super::{Act, Events, Run, Server, anyask};

/// The program under way, and what is expected at its end.
#[must_use]
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    expected: Expected,
}

impl Run {
    /// Starts it, with an empty standard input.
    pub fn start(self) -> Running {
        self.start_into(Stdio::piped())
    }

    /// The same with stdout going elsewhere. It is closed on this side.
    pub fn start_into(self, stdout: impl Into<Stdio>) -> Running {
        self.start_between(Stdio::null(), stdout)
    }

    /// The same with standard input coming from elsewhere, too.
    pub fn start_between(mut self, stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Running {
        let command = self.command.stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program to start");
        let stderr = BufReader::new(child.stderr.take().expect("stderr"));
        Running { child, stderr, expected: self.expected }
    }
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the program").is_some()
    }

    /// Waits for this many bytes on stdout.
    #[track_caller]
    pub fn reads(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        let stdout = self.child.stdout.as_mut().expect("stdout");
        stdout.read_exact(&mut bytes).expect("text in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for the next line on stdout.
    #[track_caller]
    pub fn reads_line(&mut self) -> String {
        let stdout = self.child.stdout.as_mut().expect("stdout");
        let (mut line, mut byte) = (Vec::new(), [0]);
        while byte != *b"\n" {
            stdout.read_exact(&mut byte).expect("a line in time");
            line.extend(byte);
        }
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Goes away as the reader of stdout. A process that another test is just starting may keep the pipe open for a
    /// moment.
    pub fn stops_reading(&mut self) {
        drop(self.child.stdout.take());
    }

    /// Waits for the next line on stderr. What is expected at the end is about the lines after it.
    #[track_caller]
    pub fn says_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("a line of stderr");
        line
    }

    /// Kills it; it cannot do anything about that.
    pub fn kill(mut self) {
        self.child.kill().expect("the program to be there");
        self.child.wait().expect("the end");
    }

    /// Waits for its end, checks everything, and gives what it printed.
    #[track_caller]
    pub fn exits(self, status: i32) -> String {
        self.ends(|end| end.code() == Some(status))
    }

    #[track_caller]
    fn ends(mut self, well: impl FnOnce(ExitStatus) -> bool) -> String {
        let stderr = thread::spawn(move || {
            let mut rest = Vec::new();
            self.stderr.read_to_end(&mut rest).map(|_| rest)
        });
        let mut output = self.child.wait_with_output().expect("the end");
        output.stderr = stderr.join().expect("a thread").expect("stderr");
        self.expected.check(&output, well)
    }
}

#[cfg(unix)]
impl Running {
    /// Sends it Ctrl-C.
    #[track_caller]
    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    #[track_caller]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).expect("the program to be there");
    }

    /// Sends a signal again and again, until it has ended.
    #[track_caller]
    pub fn insists(&mut self, signal: rustix::process::Signal) {
        while !self.has_ended() {
            self.signal(signal);
            thread::yield_now();
        }
    }

    /// Sends Ctrl-C to it and to what it started. It runs in its own group.
    #[track_caller]
    pub fn interrupt_group(&self) {
        let group = rustix::process::Pid::from_child(&self.child);
        let signal = rustix::process::Signal::INT;
        rustix::process::kill_process_group(group, signal).expect("the group to be there");
    }

    /// The same where a signal ends it: a shell calls that 130 for Ctrl-C.
    #[track_caller]
    pub fn ends_by(self, signal: rustix::process::Signal) -> String {
        use std::os::unix::process::ExitStatusExt;
        self.ends(|end| end.signal() == Some(signal.as_raw()))
    }

    /// The same where it may come to its own end before that.
    #[track_caller]
    pub fn ends_by_or_exits(self, signal: rustix::process::Signal, status: i32) -> String {
        use std::os::unix::process::ExitStatusExt;
        self.ends(|end| end.signal() == Some(signal.as_raw()) || end.code() == Some(status))
    }
}

/// Checks that this is printed while the server, which has sent these events, sends nothing more.
#[track_caller]
pub fn prints_in_time(args: &[&str], events: Events, printed: &str) {
    let server = Server::new(vec![vec![Act::Send(events.http()), Act::Hang]]);
    let mut running = anyask(["hi"]).args(args).at(&server).start();
    assert_eq!(running.reads(printed.len()), printed);
    running.kill();
}
