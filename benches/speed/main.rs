//! The table of speed in benches/README.md: this program beside what a user would otherwise run. Both run in
//! turn, against a server on this machine. `cargo bench` prints it; what counts are the ratios.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

mod server;

use server::{Answer, DELTA, HEAD, START, chunk};

const ANYASK: &str = env!("CARGO_BIN_EXE_anyask");
/// How many deltas of 16 bytes make 50 MB.
const DELTAS: usize = (50 << 20) / 16;

/// What a row shows: our figure, the other one, and the ratio.
type Figures = [f64; 3];

fn main() {
    let groups: [(&str, fn()); 7] = [
        ("start", start),
        ("question", question),
        ("delta", delta),
        ("stream", stream),
        ("prompt", prompt),
        ("memory", memory),
        ("batch", batch),
    ];
    // cargo adds `--bench`
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    println!("| what | anyask | beside it | ratio | goal |\n|---|---|---|---|---|");
    for (name, group) in groups {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            group();
        }
    }
}

fn start() {
    let empty = compiled("empty", "fn main() {}");
    let mut version = command(ANYASK);
    version.arg("--version");
    let figures = compare(200, version, command(&empty));
    row("`--version`; an empty Rust program", time, figures, "≤ 1.5");
}

/// Compiles a program of one file.
fn compiled(name: &str, source: &str) -> PathBuf {
    let program = file(name);
    let mut rustc = command("rustc");
    let rustc = rustc.args(["-O", "--edition=2024", "-", "-o"]).arg(&program).stdin(Stdio::piped());
    let mut rustc = rustc.spawn().expect("rustc");
    rustc.stdin.take().expect("stdin").write_all(source.as_bytes()).expect("a program");
    assert!(rustc.wait().expect("rustc").success());
    program
}

fn question() {
    let url = server::start(Answer::short());
    let args = &["--no-stdin", "-S", "hi"];
    beside_curl("http", 100, anyask(ANYASK, &url, args), curl(&url, "-s"), "≤ 0.30");
    let mut bare = command(compiled("bare", include_str!("bare.rs")));
    bare.arg(url.trim_start_matches("http://"));
    let figures = compare(100, anyask(ANYASK, &url, args), bare);
    row("the same; a bare program, `speed/bare.rs`", time, figures, "≤ 2");
    match static_build() {
        Some(program) => {
            let ask = anyask(program, &url, args);
            beside_curl("http, static build", 100, ask, curl(&url, "-s"), "≤ 0.25");
        }
        None => eprintln!("the static build is skipped: its target is not installed"),
    }
    let Ok(roots) = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt") else {
        return eprintln!("https is skipped: the system has no roots");
    };
    let (url, own) = server::start_tls();
    let bundle = file("roots.pem");
    fs::write(&bundle, roots + &own).expect("a bundle");
    let (mut ask, mut curl) = (anyask(ANYASK, &url, args), curl(&url, "-s"));
    ask.env("SSL_CERT_FILE", &bundle);
    curl.arg("--cacert").arg(&bundle);
    beside_curl("https and the system's roots", 50, ask, curl, "≤ 0.25");
}

fn beside_curl(what: &str, rounds: usize, ask: Command, curl: Command, goal: &str) {
    let figures = compare(rounds, ask, curl);
    row(&format!("one question, {what}; `curl -s`"), time, figures, goal);
}

/// A static build of this program, if its target and a C compiler for it are installed.
fn static_build() -> Option<PathBuf> {
    let target = "x86_64-unknown-linux-musl";
    let folder = file("static");
    let status = command(env!("CARGO"))
        .args(["build", "-q", "--release", "--locked", "--target", target, "--target-dir"])
        .arg(&folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::null())
        .status()
        .expect("cargo");
    status.success().then(|| folder.join(target).join("release/anyask"))
}

fn delta() {
    // The server, the command and the reader take turns on one processor: to wake another processor takes longer
    // than to pass a delta on, and the scheduler decides how often that happens.
    let alone = thread::spawn(|| {
        #[cfg(target_os = "linux")]
        {
            use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
            let ours = sched_getaffinity(None).expect("the processors");
            let last = (0..CpuSet::MAX_CPU).rfind(|&processor| ours.is_set(processor));
            let mut one = CpuSet::new();
            one.set(last.expect("a processor"));
            sched_setaffinity(None, &one).expect("one processor");
        }
        let round = |_| {
            let ours = latency(|url| anyask(ANYASK, url, &["--no-stdin", "hi"]));
            (ours, latency(|url| curl(url, "-sN")))
        };
        (0..200).map(round).collect()
    });
    let rounds: Vec<([f64; 2], [f64; 2])> = alone.join().expect("the deltas");
    for (at, which) in ["first", "later"].into_iter().enumerate() {
        let pairs: Vec<_> = rounds.iter().map(|(ours, theirs)| (ours[at], theirs[at])).collect();
        let what = format!("{which} delta, from the server's write to our pipe; `curl -sN`");
        row(&what, time, medians(&pairs), "≤ 1.05");
    }
}

/// The seconds from the write of a delta to its arrival in the pipe behind the command: for the first delta, and
/// the median of later ones. This thread is both the server and the reader.
fn latency(command: impl Fn(&str) -> Command) -> [f64; 2] {
    let (listener, port) = server::listen();
    let mut command = command(&format!("http://127.0.0.1:{port}"));
    // in the end the command complains that its stream was cut
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the command");
    let mut stdout = child.stdout.take().expect("stdout");
    let (mut connection, _) = listener.accept().expect("a connection");
    connection.set_nodelay(true).expect("no delay");
    assert!(server::read_request(&mut BufReader::new(&connection)));
    connection.write_all(format!("{HEAD}{}", chunk(START)).as_bytes()).expect("a start");
    let delta = chunk(DELTA);
    let mut buffer = [0; 4096];
    let mut pass = || {
        thread::sleep(Duration::from_millis(2));
        let begun = Instant::now();
        connection.write_all(delta.as_bytes()).expect("a delta");
        loop {
            let count = stdout.read(&mut buffer).expect("a read");
            assert_ne!(count, 0, "the stream ended");
            if buffer[..count].contains(&b'#') {
                return begun.elapsed().as_secs_f64();
            }
        }
    };
    let first = pass();
    let later = median((0..20).map(|_| pass()).collect());
    drop(connection);
    child.wait().expect("the end");
    [first, later]
}

fn stream() {
    let text = &["--no-stdin", "hi"][..];
    let events = &["--no-stdin", "--json", "--stream", "hi"];
    for (in_chunk, args, what, goal) in [
        (64, text, "64 events a chunk, text", "≤ 2.4"),
        (64, events, "64 events a chunk, `--json --stream`", "≤ 2.6"),
        (1, text, "one event a chunk, text", "≤ 1"),
    ] {
        let url = server::start(Answer::stream(DELTAS / in_chunk, in_chunk));
        let figures = compare(3, anyask(ANYASK, &url, args), curl(&url, "-sN"));
        let what = format!("50 MB in 16-byte deltas, {what}; `curl -sN`, which parses nothing");
        row(&what, time, figures, goal);
    }
}

fn prompt() {
    let text = file("prompt");
    let words = "All work and no play makes a dull prompt.\n".repeat((30 << 20) / 42);
    fs::write(&text, &words).expect("a prompt");
    if command("jq").arg("--version").status().is_ok() {
        let url = server::start(Answer::stream(1, 1));
        let sh = |line| {
            let mut command = command("sh");
            command.args(["-c", line, ANYASK, &url]).arg(&text);
            command
        };
        let ours = sh(r#"exec "$0" --no-config --base-url "$1" < "$2""#);
        // with `expect:` curl does not wait a second for an interim reply, which this server does not send
        let theirs = sh(r#"
            jq -Rs '{model: "m", max_tokens: 4096, messages: [{role: "user", content: .}], stream: true}' < "$2" |
            curl -sN -H 'authorization: Bearer k' -H 'content-type: application/json' -H 'expect:' \
                --data-binary @- "$1/v1/messages""#);
        let what = "a 30 MB prompt on stdin; `jq -Rs … \\| curl -sN --data-binary @-`";
        row(what, time, compare(7, ours, theirs), "≤ 0.2");
    } else {
        eprintln!("the prompt beside jq is skipped: jq is not installed");
    }
    let peak = peak(Answer::stream(1, 1), |url| {
        let mut command = anyask(ANYASK, url, &[]);
        command.stdin(File::open(&text).expect("the prompt"));
        command
    });
    let size = words.len() as f64;
    row("its peak memory; the prompt itself", mib, [peak, size, peak / size], "≤ 3");
}

fn memory() {
    let ask = |url: &str| anyask(ANYASK, url, &["--no-stdin", "hi"]);
    let long = peak(Answer::stream(DELTAS / 64, 64), ask);
    let short = peak(Answer::stream(1, 1), ask);
    let what = "peak memory of 50 MB streamed; of one short answer";
    row(what, mib, [long, short, long / short], "≤ +1 MiB");
}

/// The most memory, in bytes, that a command has had when the server is about to end its answer.
fn peak(mut answer: Answer, command: impl Fn(&str) -> Command) -> f64 {
    let hold = Arc::new(Barrier::new(2));
    answer.hold = Some(Arc::clone(&hold));
    let mut child = command(&server::start(answer)).spawn().expect("the command");
    hold.wait();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("its status");
    hold.wait();
    assert!(child.wait().expect("the end").success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kib: f64 = peak.trim_matches(|each: char| !each.is_ascii_digit()).parse().expect("KiB");
    kib * 1024.0
}

fn batch() {
    let items = file("items");
    let lines: String = (0..1000).map(|number| format!("item {number}\n")).collect();
    fs::write(&items, lines).expect("items");
    let list = format!("--batch={}", items.display());
    let ours = |url: &str, jobs| anyask(ANYASK, url, &["-q", "-j", jobs, &list]);
    let xargs = |jobs, each: &Command| {
        let mut command = command("xargs");
        command.args(["-P", jobs, "-d", "\\n", "-I", "{}", "-a"]).arg(&items);
        command.arg(each.get_program()).args(each.get_args());
        command
    };
    let after = |pause| server::start(Answer { pause, ..Answer::short() });

    let url = after(Duration::from_millis(50));
    let single = anyask(ANYASK, &url, &["--no-stdin", "-S", "{}"]);
    let singles = compare(3, ours(&url, "50"), xargs("50", &single));
    let ideal = [singles[0], 1.0, singles[0]];
    row("1,000 items, an answer after 50 ms, `-j 50`; the ideal", time, ideal, "≤ 1.15");
    row("the same; `xargs -P 50 anyask`", time, singles, "");
    let curls = compare(3, ours(&url, "50"), xargs("50", &curl(&url, "-s")));
    row("the same; `xargs -P 50 curl`", time, curls, "");

    let url = after(Duration::ZERO);
    let curls = compare(3, ours(&url, "8"), xargs("8", &curl(&url, "-s")));
    row("1,000 items, an answer at once, `-j 8`; `xargs -P 8 curl`", time, curls, "≤ 0.1");
    let streamed = server::start(Answer::stream(1, 1));
    let what = "1,000 items, an answer at once, `-j 8`, streamed on the wire; as JSON";
    row(what, time, compare(5, ours(&streamed, "8"), ours(&url, "8")), "≤ 1.2");

    let pause = Duration::from_millis(5);
    let closing = server::start(Answer { pause, closes: true, ..Answer::short() });
    let figures = compare(5, ours(&closing, "8"), ours(&after(pause), "8"));
    let what = "1,000 items, an answer after 5 ms, `-j 8`, a server that closes each connection; one that keeps them";
    row(what, time, figures, "≤ 2");
}

fn row(what: &str, unit: fn(f64) -> String, [ours, theirs, ratio]: Figures, goal: &str) {
    println!("| {what} | {} | {} | {ratio:.2} | {goal} |", unit(ours), unit(theirs));
}

fn time(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.1} µs", seconds * 1e6),
        ..1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

/// Runs both commands in turn, after a round that does not count. Returns the medians, in seconds.
fn compare(rounds: usize, mut ours: Command, mut theirs: Command) -> Figures {
    let rounds = (0..=rounds).map(|_| (run(&mut ours), run(&mut theirs)));
    medians(&rounds.skip(1).collect::<Vec<_>>())
}

/// The median of ours, of theirs, and of the ratios of the pairs.
fn medians(pairs: &[(f64, f64)]) -> Figures {
    let of = |figure: fn(&(f64, f64)) -> f64| median(pairs.iter().map(figure).collect());
    [of(|pair| pair.0), of(|pair| pair.1), of(|pair| pair.0 / pair.1)]
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn run(command: &mut Command) -> f64 {
    let begun = Instant::now();
    let status = command.status().expect("the command to run");
    let took = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}: {status}");
    took
}

/// A command that reads nothing and whose output is thrown away.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).env("ANYROUTER_API_KEY", "k");
    // cargo sets it, and then every program looks for its libraries in cargo's folders first
    command.env_remove("LD_LIBRARY_PATH");
    command
}

fn anyask(program: impl AsRef<OsStr>, url: &str, args: &[&str]) -> Command {
    let mut command = command(program);
    command.args(["--no-config", "--base-url", url]).args(args);
    command
}

/// Asks one question with curl.
fn curl(url: &str, flags: &str) -> Command {
    let body = r#"{"model":"m","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut command = command("curl");
    command.args([flags, "-H", "authorization: Bearer k"]);
    command.args(["-H", "content-type: application/json", "--data-raw", body]);
    command.arg(format!("{url}/v1/messages"));
    command
}

/// A file that stays until `cargo clean`.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
