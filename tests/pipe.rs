//! Where stdout leads: a reader that goes away, a disk that is full, streams that are closed.

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::process::Stdio;

use rustix::io::ioctl_fionbio;

use crate::harness::{Act, Events, Server, anyask, bash, folder, skip};

#[test]
fn ends_quietly_when_its_reader_goes_away() {
    bash("anyask --mock hi | head -c 1 >/dev/null").exits(0);
    bash("seq 100000 | anyask --mock -u | head -1 >/dev/null").exits(0);
    bash("anyask --help | true").exits(0);
}

#[test]
fn stops_reading_an_endless_answer_when_its_reader_goes_away() {
    let flood = Act::Flood(Events::bare().text("text").bytes());
    let server = Server::new(vec![vec![Act::Send(Events::bare().http()), flood]]);
    let mut running = anyask(["hi"]).at(&server).start();
    assert_eq!(running.reads(4), "text");
    running.stops_reading();
    running.exits(0);
}

#[test]
fn reports_a_full_disk() {
    if !std::fs::exists("/dev/full").expect("/dev") {
        return skip("this system has no /dev/full");
    }
    let full = "anyask: cannot write to standard output: No space left on device\n";
    for mode in ["--mock hi", "--list-models", "--help"] {
        bash(&format!("anyask {mode} > /dev/full")).says(full).exits(1);
    }
    // where stderr is full, there is still the status
    bash("anyask --mock=401 hi 2> /dev/full").exits(5);
}

#[test]
fn works_with_closed_streams() {
    bash("anyask --mock hi <&- >/dev/null").exits(0);
    bash("anyask --mock hi >&-").exits(0);
    bash("anyask --retries 0 --mock=500 hi 2>&-").exits(8);
}

/// A parent that has made a pipe non-blocking, as node does.
#[test]
fn waits_for_a_slow_pipe_that_another_process_made_non_blocking() {
    let (reader, mut writer) = pipe().expect("a pipe");
    ioctl_fionbio(&reader, true).expect("a non-blocking end");
    let run = anyask(["--mock", "hi"]).prints("late\n\nhi\n");
    let mut running = run.start_between(reader, Stdio::piped());
    let note = "anyask: note: waiting for standard input; use --no-stdin to ignore it\n";
    assert_eq!(running.says_line(), note);
    writer.write_all(b"late").expect("a reader");
    drop(writer);
    running.exits(0);
    // more than a pipe takes at once
    let folder = folder().with("text", vec![b'x'; 1 << 20]);
    for flag in ["-S", "--stream"] {
        let (mut reader, writer) = pipe().expect("a pipe");
        ioctl_fionbio(&writer, true).expect("a non-blocking end");
        let text = File::open(folder.join("text")).expect("the text");
        let running = anyask(["--mock", flag]).start_between(text, writer);
        let (mut count, mut piece) = (0, [0; 4096]);
        while let more @ 1.. = reader.read(&mut piece).expect("the answer") {
            count += more;
        }
        assert_eq!(count, (1 << 20) + 1);
        running.exits(0);
    }
}
