//! How much memory a run takes.

use std::env;
use std::process::{Command, Stdio, exit};

use nix::sys::resource::{UsageWho, getrusage};

use super::{Run, anyask};

impl Run {
    /// Runs it for its peak memory in MiB; what it prints is thrown away.
    ///
    /// The system counts all children of a process together. So another process of these tests, which has no other
    /// child, runs the program and prints its peak.
    #[track_caller]
    pub fn peak_memory(self, status: i32) -> u64 {
        let tests = env::current_exe().expect("this program");
        let this = "harness::memory::measures_the_memory_that_a_prompt_takes";
        let args = ["--exact", "--nocapture", this, "--"];
        let printed = self.wrapped(&tests, &args).prints_something().exits(status);
        let peak = printed.lines().last().and_then(|peak| peak.parse::<u64>().ok());
        peak.expect(&printed) / if cfg!(target_os = "macos") { 1 << 20 } else { 1 << 10 }
    }
}

#[test]
fn measures_the_memory_that_a_prompt_takes() {
    let mut args = env::args_os().skip_while(|arg| arg != "--").skip(1);
    let Some(program) = args.next() else {
        let prompt = |size: usize| anyask(["--dry-run"]).stdin(vec![b'x'; size]).peak_memory(0);
        let (small, large) = (prompt(1), prompt(20 << 20));
        assert!((20..200).contains(&(large - small)), "{small} and {large} MiB");
        return;
    };
    // started by `peak_memory`
    let end = Command::new(program).args(args).stdout(Stdio::null()).status();
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).expect("its usage").max_rss();
    println!("\n{peak}");
    exit(end.expect("the program to run").code().unwrap_or(-1));
}
