//! Where stdout leads: a reader that goes away, a disk that is full, streams that are closed.

use crate::harness::{Act, Server, anyask, bash, delta, python, skip, stream};

#[test]
fn ends_quietly_when_its_reader_goes_away() {
    bash("anyask --mock hi | head -c 1 >/dev/null").exits(0);
    bash("seq 100000 | anyask --mock -u | head -1 >/dev/null").exits(0);
    bash("anyask --help | true").exits(0);
}

#[test]
fn stops_reading_an_endless_answer_when_its_own_reader_goes_away() {
    let flood = Act::Flood(delta("text").into());
    let server = Server::new(vec![vec![Act::Send(stream("")), flood]]);
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
    let slow_writer = "import os, subprocess, sys\n\
        read, write = os.pipe()\n\
        os.set_blocking(read, False)\n\
        child = subprocess.Popen(sys.argv[1:], stdin=read, stderr=subprocess.PIPE)\n\
        print(child.stderr.readline().decode(), end='', flush=True)\n\
        os.write(write, b'late')\n\
        os.close(write)\n\
        sys.exit(child.wait())";
    python(slow_writer, ["anyask", "--mock", "hi"])
        .prints(
            "anyask: note: waiting for standard input; use --no-stdin to ignore it\nlate\n\nhi\n",
        )
        .exits(0);
    let slow_reader = "import os, subprocess, sys\n\
        read, write = os.pipe()\n\
        os.set_blocking(write, False)\n\
        child = subprocess.Popen(sys.argv[1:], stdout=write)\n\
        os.close(write)\n\
        count = 0\n\
        while piece := os.read(read, 4096): count += len(piece)\n\
        print(count)\n\
        sys.exit(child.wait())";
    let text = vec![b'x'; 1 << 20];
    for flag in ["-S", "--stream"] {
        let run = python(slow_reader, ["anyask", "--mock", flag]).stdin(text.clone());
        run.prints(format!("{}\n", text.len() + 1)).exits(0);
    }
}
