//! `-o`: a file that is replaced as a whole or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::{Arc, Barrier};

use crate::harness::{Act, Server, answer, anyask, json_answer, stream, text_events};

fn folder(old: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(old) = old {
        fs::write(folder.path().join("out"), old).expect("out");
    }
    folder
}

/// The names and contents of all files in the folder.
fn files(folder: &tempfile::TempDir) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder.path()).expect("the folder").flatten();
    let read = |entry: fs::DirEntry| {
        (
            entry.file_name().to_string_lossy().into_owned(),
            fs::read_to_string(entry.path()).expect("a file"),
        )
    };
    entries.map(read).collect()
}

fn out(text: &str) -> Vec<(String, String)> {
    vec![("out".into(), text.into())]
}

#[test]
fn a_whole_answer_takes_the_place_of_the_old_one() {
    for old in [None, Some("old, and longer than the new one")] {
        let folder = folder(old);
        anyask(["--mock", "-o", "out", "new"])
            .in_dir(folder.path())
            .exits(0);
        assert_eq!(files(&folder), out("new\n"));
    }
    let folder = folder(None);
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["--json", "--output", "out", "hi"])
        .in_dir(folder.path())
        .at(&server)
        .exits(0);
    assert_eq!(files(&folder), out(&(answer("ok") + "\n")));
    anyask(["--mock", "-x", "-o", "out", "```\ncode\n```"])
        .in_dir(folder.path())
        .exits(0);
    assert_eq!(files(&folder), out("code\n"));
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_else() {
    let folder = folder(Some("old"));
    for (args, exit) in [
        (["--mock=cut", "one two"], 10),
        (["--mock=400", "hi"], 4),
        (["--mock=500", "--retries=0"], 8),
    ] {
        anyask(args)
            .arg("-o")
            .arg("out")
            .arg("hi")
            .in_dir(folder.path())
            .mentions("anyask: ")
            .exits(exit);
        assert_eq!(files(&folder), out("old"), "{args:?}");
    }
    anyask(["--mock", "-x", "-o", "out", "no code"])
        .in_dir(folder.path())
        .mentions("no fenced code block")
        .exits(10);
    assert_eq!(files(&folder), out("old"));
    // an answer that stopped short is whole, whatever the exit status
    let server = Server::once(stream(
        &text_events(&["short"]).replace("end_turn", "max_tokens"),
    ));
    anyask(["--strict", "-o", "out", "hi"])
        .in_dir(folder.path())
        .at(&server)
        .mentions("stopped short")
        .exits(11);
    assert_eq!(files(&folder), out("short\n"));
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_asked() {
    let server = Server::new(Vec::new());
    anyask(["-o", "/nowhere/out", "hi"])
        .at(&server)
        .says("anyask: cannot write to /nowhere/out: no such file or directory (os error 2)\n")
        .exits(1);
    let folder = folder(None);
    anyask(["-o", ".", "hi"])
        .in_dir(folder.path())
        .at(&server)
        .mentions("anyask: cannot write to .: ")
        .exits(1);
    assert!(server.received().is_empty());
    anyask(["--dry-run", "-o", "out", "hi"])
        .mentions("cannot be used with")
        .exits(2);
}

#[test]
fn permissions_and_links_stay() {
    let folder = folder(Some("old"));
    let path = folder.path().join("out");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("its mode");
    symlink("out", folder.path().join("link")).expect("a link");
    anyask(["--mock", "-o", "link", "new"])
        .in_dir(folder.path())
        .exits(0);
    assert_eq!(fs::read_to_string(&path).expect("out"), "new\n");
    assert_eq!(
        fs::metadata(&path).expect("out").permissions().mode() & 0o777,
        0o640
    );
    assert!(
        fs::symlink_metadata(folder.path().join("link"))
            .expect("link")
            .is_symlink()
    );
}

#[test]
fn what_is_no_file_is_written_as_it_comes() {
    anyask(["--mock", "-o", "/dev/stdout", "hi"])
        .prints("hi\n")
        .exits(0);
    anyask(["--mock", "-o", "/dev/null", "hi"]).exits(0);
    if cfg!(target_os = "linux") {
        anyask(["--mock", "-o", "/dev/full", "hi"])
            .says("anyask: cannot write to /dev/full: no space left on device (os error 28)\n")
            .exits(1);
    }
}

#[test]
fn each_file_has_one_purpose() {
    let folder = folder(Some("old"));
    for (args, flags) in [
        (["--chat=out", "-oout"], "--chat and --output"),
        (["--log=./out", "-oout"], "--output and --log"),
        (["--log=new", "-cnew"], "--chat and --log"),
    ] {
        anyask(args)
            .arg("--mock")
            .arg("hi")
            .in_dir(folder.path())
            .mentions(&format!("anyask: {flags} name the same file, "))
            .exits(2);
    }
    assert_eq!(files(&folder), out("old"));
}

#[test]
fn the_name_of_stdout_is_stdout() {
    let folder = folder(Some("old\n"));
    let line = format!(
        "(echo A; '{0}' --no-stdin --mock -o /dev/stdout hi; '{0}' --no-stdin --mock -o - hi; echo B) >> out",
        env!("CARGO_BIN_EXE_anyask")
    );
    let status = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .status();
    assert!(status.expect("sh").success());
    assert_eq!(files(&folder), out("old\nA\nhi\nhi\nB\n"));
}

#[test]
fn one_file_by_two_names_is_one_file() {
    let folder = folder(None);
    for args in [
        ["--chat", "new", "--output", "./new"],
        ["--chat", "new", "--log", "./new"],
        ["--output", "./new", "--log", "new"],
    ] {
        anyask(["--mock", "hi"])
            .arg(args[0])
            .arg(args[1])
            .arg(args[2])
            .arg(args[3])
            .in_dir(folder.path())
            .mentions(" name the same file, ")
            .exits(2);
    }
    assert_eq!(files(&folder), []);
}

#[test]
fn a_link_to_what_is_not_there_yet_stays_a_link() {
    let folder = folder(None);
    symlink("target", folder.path().join("out")).expect("a link");
    anyask(["--mock", "-o", "out", "new"])
        .in_dir(folder.path())
        .exits(0);
    assert_eq!(
        fs::read_to_string(folder.path().join("target")).expect("the target"),
        "new\n"
    );
    assert!(folder.path().join("out").is_symlink());
}

#[test]
fn json_that_is_whole_is_kept_without_text() {
    let folder = folder(Some("old"));
    let tool = r#"{"content":[{"type":"tool_use","id":"t","name":"n","input":{}}],"stop_reason":"tool_use"}"#;
    let server = Server::once(json_answer(tool));
    anyask(["--json", "-o", "out", "hi"])
        .in_dir(folder.path())
        .at(&server)
        .says("anyask: the answer has no text, only tool_use (stop reason: tool_use)\n")
        .exits(10);
    assert_eq!(files(&folder), out(&format!("{tool}\n")));
}

#[test]
fn a_signal_in_mid_answer_leaves_the_old_file_and_nothing_else() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::INT, Signal::TERM] {
        let folder = folder(Some("old"));
        let seen = Arc::new(Barrier::new(2));
        let server = Server::new(vec![vec![Act::Meet(Arc::clone(&seen)), Act::Hang]]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_anyask"))
            .args(["--no-stdin", "-o", "out", "--base-url", &server.url(), "hi"])
            .env("ANYROUTER_API_KEY", "k")
            .current_dir(folder.path())
            .spawn()
            .expect("the program");
        seen.wait();
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        let status = child.wait().expect("the end");
        assert_eq!(status.signal(), Some(signal.as_raw()));
        assert_eq!(files(&folder), out("old"));
    }
}
