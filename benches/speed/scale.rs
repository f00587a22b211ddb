//! What large inputs take: time and peak memory of one run each. It prints a table of its own.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Answer, Server};
use super::{anyask, folder, peak_memory};

/// How often to look at a run's memory.
const LOOK: Duration = Duration::from_millis(5);

/// Runs all of them.
pub fn rows() {
    println!("\n| what | wall | peak memory |\n|---|---|---|");
    let folder = folder();
    let (short, items) = (Server::start(Answer::Short), folder.join("million"));
    write(&items, |file| (0..1_000_000).try_for_each(|number| writeln!(file, "item {number}")));
    let results = format!("-o{}", folder.join("results").display());
    let batch = format!("--batch={}", items.display());
    let ask = ["-q", "-j8", &batch, &results];
    row("a batch of 1,000,000 items, `-j 8`", &short.url(), &ask);
    row(
        "the same with `--resume`: all are answered",
        &short.url(),
        &[&ask[..], &["--resume"]].concat(),
    );
    let long = Server::start(Answer::Long { text: 1 << 30, events: 64, hold: None });
    row("1 GB of text, streamed", &long.url(), &["hi"]);
    let talk = folder.join("talk");
    write(&talk, |file| {
        let text = "All work and no play makes a dull turn. ".repeat(250);
        (0..1000).try_for_each(|_| {
            writeln!(file, r#"{{"role":"user","content":"{text}"}}"#)?;
            writeln!(file, r#"{{"role":"assistant","content":"{text}"}}"#)
        })
    });
    let chat = format!("--chat={}", talk.display());
    row("a turn in a conversation of 20 MB", &short.url(), &["-S", &chat, "hi"]);
    let answers = folder.join("recorded");
    let record = format!("--record={}", answers.display());
    let some = folder.join("some");
    write(&some, |file| (0..100_000).try_for_each(|number| writeln!(file, "item {number}")));
    let batch = format!("--batch={}", some.display());
    row("100,000 answers recorded, `-j 8`", &short.url(), &["-q", "-j8", &batch, &record]);
    let replay = format!("--replay={}", answers.display());
    row("one of them replayed", &short.url(), &["-S", &replay, "item 99999"]);
}

fn write(path: &Path, lines: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    lines(&mut file).and_then(|()| file.flush()).expect("its lines");
}

fn row(what: &str, url: &str, args: &[&str]) {
    let begun = Instant::now();
    let mut child = anyask(url, args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the command to start");
    let mut peak = 0.0;
    let status = loop {
        peak = peak_memory(&child).unwrap_or(peak);
        match child.try_wait().expect("its status") {
            Some(status) => break status,
            None => thread::sleep(LOOK),
        }
    };
    let wall = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{args:?}: {status}");
    println!("| {what} | {wall:.2} s | {peak:.1} MiB |");
}
