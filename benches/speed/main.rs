//! The speed table: this program beside what a user would otherwise run, in the same run, one after the
//! other in turn, on loopback. It prints Markdown. `cargo bench` runs it; peers that are not installed are
//! skipped with a line. Figures are medians; what counts are the ratios.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

mod scale;
mod server;

use server::{Answer, DELTA, HEAD, START, Server, chunk};

const ANYASK: &str = env!("CARGO_BIN_EXE_anyask");
/// How much text the long streams have, in bytes.
const TEXT: usize = 50 << 20;

/// What one run of a command took.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

fn main() {
    if std::env::var_os("LD_LIBRARY_PATH").is_some() {
        // cargo sets it, and then every program that starts looks for its libraries in cargo's folders first
        let args: Vec<_> = std::env::args_os().collect();
        let status = Command::new(&args[0]).args(&args[1..]).env_remove("LD_LIBRARY_PATH").status();
        std::process::exit(status.expect("itself").code().unwrap_or(1));
    }
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    println!("| what | anyask | beside it | ratio | goal |\n|---|---|---|---|---|");
    let rows: [(&str, fn()); 15] = [
        ("version", version),
        ("question", question),
        ("static", static_question),
        ("replay", replay),
        ("https", https),
        ("delta", delta),
        ("stream", stream),
        ("terminal", terminal),
        ("linear", linear),
        ("pipeline", pipeline),
        ("prompt", prompt),
        ("memory", memory),
        ("size", size),
        ("batch", batch),
        ("scale", scale::rows),
    ];
    for (name, row) in rows {
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            row();
        }
    }
}

fn row(what: &str, ours: &str, theirs: &str, ratio: f64, goal: &str) {
    println!("| {what} | {ours} | {theirs} | {ratio:.2} | {goal} |");
}

fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// A shell command line; `$0` is this program.
fn sh(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line, ANYASK]);
    command
}

fn anyask(url: &str, args: &[&str]) -> Command {
    ask_with(Path::new(ANYASK), url, args)
}

fn ask_with(program: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(["--no-config", "--no-stdin", "--base-url", url]).args(args);
    command.env("ANYROUTER_API_KEY", "k");
    command
}

const CURL: [&str; 6] =
    ["-H", "authorization: Bearer k", "-H", "content-type: application/json", "--data-raw", BODY];
const BODY: &str = r#"{"model":"m","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}"#;

fn curl(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(args).args(CURL).arg(format!("{url}/v1/messages"));
    command
}

fn run(command: &mut Command) -> Took {
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage");
        let seconds =
            |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    };
    let (before, begun) = (cpu(), Instant::now());
    let status =
        command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("the command to run");
    let took = Took { wall: begun.elapsed().as_secs_f64(), cpu: cpu() - before };
    assert!(status.success(), "{command:?}: {status}");
    took
}

/// Both commands in turn, after a round that does not count: the medians of each, and of the ratios of
/// each pair.
fn pairs(
    rounds: usize,
    ours: &mut dyn FnMut() -> Took,
    theirs: &mut dyn FnMut() -> Took,
) -> [(f64, f64, f64); 2] {
    let mut took = Vec::new();
    for _ in 0..=rounds {
        took.push((ours(), theirs()));
    }
    took.remove(0);
    let of = |figure: fn(&Took) -> f64| {
        let column = |pick: &dyn Fn(&(Took, Took)) -> f64| median(took.iter().map(pick).collect());
        (
            column(&|pair| figure(&pair.0)),
            column(&|pair| figure(&pair.1)),
            column(&|pair| figure(&pair.0) / figure(&pair.1)),
        )
    };
    [of(|took| took.wall), of(|took| took.cpu)]
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn ms(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}

fn microseconds(seconds: f64) -> String {
    format!("{:.1} µs", seconds * 1e6)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

fn version() {
    let folder = folder();
    let empty = folder.join("empty");
    let mut rustc = Command::new("rustc")
        .args(["-O", "-", "-o"])
        .arg(&empty)
        .stdin(Stdio::piped())
        .spawn()
        .expect("rustc");
    rustc.stdin.take().expect("stdin").write_all(b"fn main() {}").expect("a program");
    assert!(rustc.wait().expect("rustc").success());
    let [wall, _] = pairs(200, &mut || run(Command::new(ANYASK).arg("--version")), &mut || {
        run(&mut Command::new(&empty))
    });
    row("`--version`, wall; an empty Rust program", &ms(wall.0), &ms(wall.1), wall.2, "≤ 1.6");
}

fn question() {
    let server = Server::start(Answer::Short);
    let url = server.url();
    let took = pairs(100, &mut || run(&mut anyask(&url, &["-S", "hi"])), &mut || {
        run(&mut curl(&url, &["-s"]))
    });
    wall_and_cpu("one question, http", took);
}

/// The same with a static build, where its target and a C compiler for it are installed.
fn static_question() {
    let target = "x86_64-unknown-linux-musl";
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("static");
    let built = Command::new(env!("CARGO"))
        .args(["build", "-q", "--release", "--locked", "--target", target, "--target-dir"])
        .arg(&folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::null())
        .status();
    if !built.is_ok_and(|status| status.success()) {
        println!("\nno static build for {target} here: skipped.\n");
        return;
    }
    let program = folder.join(target).join("release/anyask");
    let server = Server::start(Answer::Short);
    let url = server.url();
    let [wall, _] =
        pairs(100, &mut || run(&mut ask_with(&program, &url, &["-S", "hi"])), &mut || {
            run(&mut curl(&url, &["-s"]))
        });
    let what = "one question, http, static build, wall; `curl -s`";
    row(what, &ms(wall.0), &ms(wall.1), wall.2, "≤ 0.30");
}

/// A recorded answer beside the server inside the program.
fn replay() {
    let file = folder().join("answers");
    let record = format!("--record={}", file.display());
    run(&mut anyask(&Server::start(Answer::Short).url(), &[&record, "-S", "hi"]));
    let replay = format!("--replay={}", file.display());
    let ask = |from: &str| {
        run(Command::new(ANYASK).args(["--no-config", "--no-stdin", "-S", from, "hi"]))
    };
    let [wall, _] = pairs(100, &mut || ask(&replay), &mut || ask("--mock"));
    row("a replayed question, wall; `--mock`", &ms(wall.0), &ms(wall.1), wall.2, "≤ 1.2");
}

fn https() {
    let roots = Path::new("/etc/ssl/certs/ca-certificates.crt");
    if !roots.exists() {
        println!("\nno system roots here: https is skipped.\n");
        return;
    }
    let (server, own) = Server::start_tls();
    let bundle = folder().join("roots.pem");
    fs::write(&bundle, fs::read_to_string(roots).expect("the roots") + &own).expect("a bundle");
    let url = server.url();
    let took = pairs(
        50,
        &mut || run(anyask(&url, &["-S", "hi"]).env("SSL_CERT_FILE", &bundle)),
        &mut || run(&mut curl(&url, &["-s", "--cacert", bundle.to_str().expect("a path")])),
    );
    wall_and_cpu("one question, https and the system's roots", took);
}

/// Both figures of a question as rows.
fn wall_and_cpu(what: &str, took: [(f64, f64, f64); 2]) {
    for (figure, (ours, theirs, ratio)) in ["wall", "CPU"].into_iter().zip(took) {
        let what = format!("{what}, {figure}; `curl -s`");
        row(&what, &ms(ours), &ms(theirs), ratio, "≤ 0.36");
    }
}

fn delta() {
    // Server, command and reader take turns on one processor: it takes longer to wake another than to pass the
    // delta on, and which of them has to be woken is the scheduler's affair.
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
        latencies();
    });
    alone.join().expect("the deltas");
}

fn latencies() {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        ours.push(latency(&|url| anyask(url, &["hi"])));
        theirs.push(latency(&|url| curl(url, &["-sN"])));
    }
    for (what, pick) in [
        ("first", (|pair: &(f64, f64)| pair.0) as fn(&(f64, f64)) -> f64),
        ("later", |pair| pair.1),
    ] {
        let (ours, theirs) =
            (median(ours.iter().map(pick).collect()), median(theirs.iter().map(pick).collect()));
        row(
            &format!("{what} delta, from the server's write to our pipe; `curl -sN`"),
            &microseconds(ours),
            &microseconds(theirs),
            ours / theirs,
            "≤ 1.05",
        );
    }
}

/// From the write of a delta to its arrival in the pipe behind the command, in seconds: the first, and the
/// median of the later ones. One thread is the server and the reader, so that nobody else wants to run.
fn latency(make: &dyn Fn(&str) -> Command) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let mut child = make(&url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command");
    let mut stdout = child.stdout.take().expect("stdout");
    let (mut connection, _) = listener.accept().expect("a connection");
    connection.set_nodelay(true).expect("no delay");
    assert!(read_request(&mut BufReader::new(&connection)));
    let start = format!("{HEAD}{}", chunk(START));
    connection.write_all(start.as_bytes()).expect("a start");
    let delta = chunk(DELTA);
    let mut buffer = [0; 4096];
    let mut pass = || {
        thread::sleep(Duration::from_millis(2));
        let begun = Instant::now();
        connection.write_all(delta.as_bytes()).expect("a delta");
        loop {
            let count = stdout.read(&mut buffer).expect("a read");
            assert_ne!(count, 0, "the stream ended");
            if memchr::memchr(b'#', &buffer[..count]).is_some() {
                return begun.elapsed().as_secs_f64();
            }
        }
    };
    let first = pass();
    let later = median((0..20).map(|_| pass()).collect());
    // the kindest end: the command's complaint about the cut is not shown
    drop(connection);
    child.wait().expect("the end");
    (first, later)
}

fn stream() {
    for (events, goals) in [(64, ["≤ 2.6", "≤ 3"]), (1, ["≤ 1", ""])] {
        let server = Server::start(Answer::Long { text: TEXT, events, hold: None });
        let url = server.url();
        let chunk = if events == 1 {
            "one event a chunk".into()
        } else {
            format!("{events} events a chunk")
        };
        for (args, what, goal) in [
            (&["hi"][..], "text", goals[0]),
            (&["--json", "--stream", "hi"], "`--json --stream`", goals[1]),
        ] {
            if goal.is_empty() {
                continue;
            }
            let [wall, _] = pairs(3, &mut || run(&mut anyask(&url, args)), &mut || {
                run(&mut curl(&url, &["-sN"]))
            });
            row(
                &format!(
                    "50 MB in 16-byte deltas, {chunk}, {what}; `curl -sN`, which parses nothing"
                ),
                &seconds(wall.0),
                &seconds(wall.1),
                wall.2,
                goal,
            );
        }
    }
}

/// A highlighted answer on a terminal beside a plain one.
fn terminal() {
    let server = Server::start(Answer::Long { text: TEXT, events: 64, hold: None });
    let url = server.url();
    let show = |color: &str| {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("grantpt");
        unlockpt(&person).expect("unlockpt");
        let name = ptsname(&person, Vec::new()).expect("ptsname").into_string().expect("a name");
        let screen = fs::OpenOptions::new().read(true).write(true).open(name).expect("a terminal");
        let mut person = fs::File::from(person);
        let begun = Instant::now();
        let mut command = anyask(&url, &["--color", color, "hi"]);
        command.env("TERM", "xterm").stdin(Stdio::null()).stdout(screen).stderr(Stdio::null());
        let mut child = command.spawn().expect("the command");
        // the last open end of the terminal is the child's
        drop(command);
        let mut buffer = vec![0; 64 << 10];
        while person.read(&mut buffer).is_ok_and(|count| count > 0) {}
        assert!(child.wait().expect("the end").success());
        Took { wall: begun.elapsed().as_secs_f64(), cpu: 0.0 }
    };
    let [wall, _] = pairs(3, &mut || show("auto"), &mut || show("never"));
    row(
        "50 MB to a terminal, highlighted; plain",
        &seconds(wall.0),
        &seconds(wall.1),
        wall.2,
        "≤ 2",
    );
}

/// Cost that grows with the stream, the prompt or the command line, and no faster.
fn linear() {
    let streamed = |answer: Answer| {
        let server = Server::start(answer);
        let url = server.url();
        best(|| run(&mut anyask(&url, &["hi"])))
    };
    let long = |text: usize| {
        let (events, hold) = (64, None);
        streamed(Answer::Long { text, events, hold })
    };
    let start = long(1);
    let megabyte = |megabytes: usize| (long(megabytes << 20) - start) / megabytes as f64;
    let ten = megabyte(10);
    for (what, megabytes) in [("1 MB", 1), ("100 MB", 100)] {
        let took = megabyte(megabytes);
        row(
            &format!("a megabyte of {what} of stream; of 10 MB"),
            &ms(took),
            &ms(ten),
            took / ten,
            "0.9–1.1",
        );
    }
    let (huge, small) = (streamed(Answer::Huge { text: 20 << 20 }), long(20 << 20));
    row("20 MB in one event; in 16-byte deltas", &ms(huge), &ms(small), huge / small, "≤ 1");
    let folder = folder();
    for (flag, what) in [("--stop", "`--stop`"), ("--file", "`--file`")] {
        let argument = |count: usize| {
            let files = (0..count).map(|number| folder.join(number.to_string()));
            let args: Vec<PathBuf> = files
                .inspect(|path| fs::write(path, "a line\n").expect("a file"))
                .flat_map(|path| [PathBuf::from(flag), path])
                .collect();
            let dry = ["--no-config", "--no-stdin", "--dry-run", "hi"];
            best(|| run(Command::new(ANYASK).args(dry).args(&args)))
        };
        let start = argument(0);
        let argument = |count: usize| (argument(count) - start) / count as f64;
        let (many, some) = (argument(10_000), argument(1_000));
        row(
            &format!("one of 10,000 {what}; of 1,000"),
            &microseconds(many),
            &microseconds(some),
            many / some,
            "≤ 1.5",
        );
    }
}

/// The shortest of some runs, in seconds: what disturbs a run makes it longer and never shorter.
fn best(mut take: impl FnMut() -> Took) -> f64 {
    let walls = (0..15).map(|_| take().wall);
    walls.fold(f64::INFINITY, f64::min)
}

fn pipeline() {
    if !installed("jq") {
        println!("\njq is not installed here: skipped.\n");
        return;
    }
    let server = Server::start(Answer::Long { text: 2 << 20, events: 1, hold: None });
    let url = server.url();
    let line = format!(
        "curl -sN -H 'authorization: Bearer k' -H 'content-type: application/json' --data-raw '{BODY}' {url}/v1/messages \
         | sed -un 's/^data: {{/{{/p' | jq -jr --unbuffered '.delta.text // empty'"
    );
    let [wall, _] = pairs(3, &mut || run(&mut anyask(&url, &["hi"])), &mut || run(&mut sh(&line)));
    row(
        "2 MB in 16-byte deltas, one event a chunk; `curl -sN \\| sed \\| jq`",
        &seconds(wall.0),
        &seconds(wall.1),
        wall.2,
        "≤ 0.025",
    );
}

fn prompt() {
    let folder = folder();
    let (text, body) = (folder.join("prompt"), folder.join("body"));
    let words = "All work and no play makes a dull prompt.\n".repeat((30 << 20) / 42);
    fs::write(&text, &words).expect("a prompt");
    let server = Server::start(Answer::Short);
    let url = server.url();
    let [wall, _] = {
        let dry = Command::new(ANYASK)
            .args(["--dry-run", "-S", "--no-config"])
            .stdin(fs::File::open(&text).expect("the prompt"))
            .output();
        let printed = dry.expect("a dry run").stdout;
        assert!(printed.len() > 30 << 20, "{}", printed.len());
        fs::write(&body, printed).expect("a body");
        pairs(
            7,
            &mut || {
                run(sh("exec \"$0\" --no-config -S --base-url \"$1\" < \"$2\"")
                    .arg(&url)
                    .arg(&text)
                    .env("ANYROUTER_API_KEY", "k"))
            },
            &mut || {
                run(sh("exec curl -s -H 'expect:' -H 'content-type: application/json' --data-binary @- \"$1/v1/messages\" < \"$2\"").arg(&url).arg(&body))
            },
        )
    };
    row(
        "a 30 MB prompt on stdin; `curl --data-binary @-` of the finished JSON",
        &ms(wall.0),
        &ms(wall.1),
        wall.2,
        "≤ 1.8",
    );
    let peak = peak_of(
        |url| {
            let mut command = Command::new(ANYASK);
            command
                .args(["--no-config", "-S", "--base-url", url])
                .stdin(fs::File::open(&text).expect("the prompt"));
            command
        },
        |hold| Answer::Held { hold },
    );
    let prompt = words.len() as f64 / f64::from(1 << 20);
    row("its peak memory; the prompt itself", &mib(peak), &mib(prompt), peak / prompt, "≤ 3");
}

fn memory() {
    let short = peak_of(
        |url| anyask(url, &["hi"]),
        |hold| Answer::Long { text: 64, events: 1, hold: Some(hold) },
    );
    let long = peak_of(
        |url| anyask(url, &["hi"]),
        |hold| Answer::Long { text: TEXT, events: 64, hold: Some(hold) },
    );
    row(
        "peak memory of 50 MB streamed; of one short answer",
        &mib(long),
        &mib(short),
        long / short,
        "≤ +1 MiB",
    );
}

fn mib(size: f64) -> String {
    format!("{size:.1} MiB")
}

/// The most memory that a command has had when the server is about to end its answer.
fn peak_of(make: impl Fn(&str) -> Command, answer: impl Fn(Arc<Barrier>) -> Answer) -> f64 {
    let hold = Arc::new(Barrier::new(2));
    let server = Server::start(answer(Arc::clone(&hold)));
    let mut child = make(&server.url())
        .env("ANYROUTER_API_KEY", "k")
        .stdout(Stdio::null())
        .spawn()
        .expect("the command");
    hold.wait();
    let peak = peak_memory(&child).expect("its peak");
    hold.wait();
    assert!(child.wait().expect("the end").success());
    peak
}

/// The most memory that a process has had so far, in MiB.
fn peak_memory(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

fn size() {
    let bytes = fs::metadata(ANYASK).expect("the binary").len() as f64;
    row(
        "the stripped release binary; 4.0 MB",
        &format!("{:.2} MB", bytes / 1e6),
        "4.00 MB",
        bytes / 4e6,
        "≤ 1",
    );
    if !installed("strace") {
        println!("\nstrace is not installed here: system calls are skipped.\n");
        return;
    }
    let server = Server::start(Answer::Short);
    let counted = Command::new("strace")
        .args([
            "-f",
            "-c",
            "-o",
            "/dev/stdout",
            ANYASK,
            "--no-config",
            "--no-stdin",
            "-S",
            "--base-url",
            &server.url(),
            "hi",
        ])
        .env("ANYROUTER_API_KEY", "k")
        .output()
        .expect("strace");
    let text = String::from_utf8_lossy(&counted.stdout);
    let total = text.lines().find(|line| line.ends_with("total")).expect("a total");
    let calls: f64 =
        total.split_whitespace().nth(3).and_then(|calls| calls.parse().ok()).expect("a number");
    row(
        "system calls of one question, http; 90",
        &format!("{calls:.0}"),
        "90",
        calls / 90.0,
        "≤ 1",
    );
}

fn batch() {
    let folder = folder();
    let items = folder.join("items");
    let write = |count: usize| {
        let lines: String = (0..count).map(|number| format!("item {number}\n")).collect();
        fs::write(&items, lines).expect("items");
    };
    let ask = |url: &str, jobs: &str| -> Took {
        let items = format!("--batch={}", items.display());
        run(Command::new(ANYASK)
            .args(["--no-config", "-q", "-j", jobs, &items, "--base-url", url])
            .env("ANYROUTER_API_KEY", "k"))
    };
    let each = |url: &str, jobs: &str, command: &str| -> Took {
        let line =
            format!("xargs -P {jobs} -d '\\n' -n 1 {command} < '{}' > /dev/null", items.display());
        run(sh(&line.replace("URL", url)).env("ANYROUTER_API_KEY", "k"))
    };
    let curl = format!(
        "curl -s -H 'content-type: application/json' --data-raw '{BODY}' URL/v1/messages -o /dev/null -w ''"
    );
    let curl = format!("sh -c \"{}\"", curl.replace('"', "\\\""));
    let single = format!("'{ANYASK}' --no-config --no-stdin -S --base-url URL");
    write(1000);
    let server = Server::start(Answer::After(Duration::from_millis(50)));
    let url = server.url();
    let median_of = |take: &dyn Fn() -> Took| median((0..3).map(|_| take().wall).collect());
    let ours = median_of(&|| ask(&url, "50"));
    row(
        "1,000 items, an answer after 50 ms, `-j 50`; the ideal",
        &seconds(ours),
        "1.00 s",
        ours,
        "≤ 1.15",
    );
    let singles = median_of(&|| each(&url, "50", &single));
    row("the same; `xargs -P 50 anyask`", &seconds(ours), &seconds(singles), ours / singles, "");
    let curls = median_of(&|| each(&url, "50", &curl));
    row("the same; `xargs -P 50 curl`", &seconds(ours), &seconds(curls), ours / curls, "");
    let server = Server::start(Answer::Short);
    let url = server.url();
    let ours = median_of(&|| ask(&url, "8"));
    let curls = median_of(&|| each(&url, "8", &curl));
    row(
        "1,000 items, an answer at once, `-j 8`; `xargs -P 8 curl`",
        &ms(ours),
        &ms(curls),
        ours / curls,
        "≤ 0.1",
    );
    for (what, ours, theirs, goal) in [
        (
            "1,000 items, an answer after 5 ms, `-j 8`, a server that closes each connection; one that keeps them",
            Answer::Closing(Duration::from_millis(5)),
            Answer::After(Duration::from_millis(5)),
            "≤ 2",
        ),
        (
            "1,000 items, an answer at once, `-j 8`, streamed on the wire; as JSON",
            Answer::Streamed,
            Answer::Short,
            "≤ 1.2",
        ),
    ] {
        let (ours, theirs) = (Server::start(ours), Server::start(theirs));
        let (ours, theirs) = (ours.url(), theirs.url());
        let [wall, _] = pairs(5, &mut || ask(&ours, "8"), &mut || ask(&theirs, "8"));
        row(what, &ms(wall.0), &ms(wall.1), wall.2, goal);
    }
}

/// A folder that stays until the machine tidies up.
fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("anyask-speed-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Serves what `serve` writes on every connection.
fn each_connection(
    listener: TcpListener,
    serve: impl Fn(std::net::TcpStream) + Send + Sync + 'static,
) {
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(connection));
        }
    });
}

/// Reads a request; `false` at the end of the connection.
fn read_request(reader: &mut BufReader<impl Read>) -> bool {
    use std::io::BufRead;
    let (mut line, mut length) = (String::new(), 0u64);
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            return std::io::copy(&mut reader.take(length), &mut std::io::sink()).is_ok();
        }
    }
}
