//! `-o`: a file that is replaced by a complete answer, or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::process::Signal;

use crate::harness::{
    Act, CONFLICT, ENDED_EARLY, Events, Folder, Gate, SAME_FILE, STOPPED_SHORT, Server, answer,
    anyask, bash, folder, json_answer, json_lines, prints_in_time, skip,
};

/// A folder with nothing but the file `out`.
fn with_old(text: &str) -> Folder {
    folder().with("out", text)
}

/// What a folder holds that has nothing but the file `out`.
fn only_out(text: &str) -> Vec<(String, String)> {
    vec![("out".into(), text.into())]
}

#[test]
fn writes_the_answer_into_a_new_file() {
    let folder = folder();
    anyask(["--mock", "-o", "out", "new"]).in_dir(&folder).exits(0);
    assert_eq!(folder.files(), only_out("new\n"));
}

#[test]
fn an_answer_for_a_file_is_streamed_on_the_wire_too() {
    let (folder, server) = (folder(), Server::streaming(&["ok"]));
    anyask(["-o", "out", "hi"]).in_dir(&folder).at(&server).exits(0);
    assert_eq!(server.request().json()["stream"], true);
    assert_eq!(folder.files(), only_out("ok\n"));
}

#[test]
fn replaces_an_old_file() {
    let folder = with_old("old, and longer than the new one");
    anyask(["--mock", "-o", "out", "new"]).in_dir(&folder).exits(0);
    assert_eq!(folder.files(), only_out("new\n"));
    let server = Server::answering("ok");
    anyask(["--json", "--output", "out", "hi"]).in_dir(&folder).at(&server).exits(0);
    assert_eq!(folder.files(), only_out(&(answer("ok") + "\n")));
    anyask(["--mock", "-x", "-o", "out", "```\ncode\n```"]).in_dir(&folder).exits(0);
    assert_eq!(folder.files(), only_out("code\n"));
}

#[test]
fn leaves_the_old_file_and_nothing_else_after_a_failure() {
    let folder = with_old("old");
    for (args, said, status) in [
        (["--mock=cut", "one two"], ENDED_EARLY, 10),
        (["--mock=400", "hi"], "(400 ", 4),
        (["--mock=500", "--retries=0"], "(500 ", 8),
        (["--mock", "-x"], "no fenced code block", 10),
    ] {
        let run = anyask(args).args(&["-o", "out", "hi"]).in_dir(&folder);
        run.mentions(said).exits(status);
        assert_eq!(folder.files(), only_out("old"), "{args:?}");
    }
}

#[test]
fn keeps_an_answer_that_stopped_short() {
    let folder = with_old("old");
    let server = Server::once(Events::new().text("ok").stop("max_tokens").http());
    anyask(["--strict", "-o", "out", "hi"])
        .in_dir(&folder)
        .at(&server)
        .mentions(STOPPED_SHORT)
        .exits(11);
    assert_eq!(folder.files(), only_out("ok\n"));
}

#[test]
fn refuses_what_cannot_be_written_before_anything_is_sent() {
    let folder = folder().with("file", "").with("folder/file", "");
    for (link, target) in [
        ("loop", "loop"),
        ("to-nowhere", "nowhere/out"),
        ("to-folder", "folder"),
        ("to-new", "new/"),
    ] {
        symlink(target, folder.join(link)).expect("a link");
    }
    let server = Server::new(Vec::new());
    for (path, why) in [
        ("nowhere/out", "No such file or directory"),
        ("to-nowhere", "No such file or directory"),
        ("new/", "is a directory"),
        ("to-new", "is a directory"),
        (".", "is a directory"),
        ("folder", "is a directory"),
        ("folder/", "is a directory"),
        ("to-folder", "is a directory"),
        ("file/", "Not a directory"),
        ("file/out", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
    ] {
        for flag in ["-o", "--chat", "--log"] {
            // the command of the key is not run, either
            anyask([flag, path, "--api-key-command", "touch ran", "hi"])
                .in_dir(&folder)
                .base_url(&server)
                .says(&format!("anyask: cannot write to {path}: {why}\n"))
                .exits(1);
        }
    }
    assert_eq!(server.requests(), 0);
    assert!(!folder.join("ran").exists());
    anyask(["--dry-run", "-o", "out", "hi"]).mentions(CONFLICT).exits(2);
}

#[test]
fn refuses_a_file_or_a_folder_that_may_not_be_written() {
    if rustix::process::geteuid().is_root() {
        return skip("root may write everything");
    }
    let folder = folder().with("old", "").with("folder/old", "");
    for name in ["old", "folder"] {
        let mode = fs::Permissions::from_mode(if name == "old" { 0o400 } else { 0o500 });
        fs::set_permissions(folder.join(name), mode).expect("its mode");
    }
    for flag in ["-o", "--chat", "--log"] {
        for path in ["old", "folder/new"] {
            let why = format!("anyask: cannot write to {path}: Permission denied\n");
            anyask([flag, path, "--mock", "hi"]).in_dir(&folder).says(&why).exits(1);
        }
    }
}

#[test]
fn a_log_or_a_conversation_must_be_a_file() {
    for flag in ["--log", "--chat"] {
        for name in ["-", "/dev/stdin"] {
            anyask([flag, name, "--mock", "hi"])
                .says(&format!(
                    "anyask: invalid value '{name}' for {flag} <FILE>: it must be a file\n"
                ))
                .exits(2);
        }
    }
}

#[test]
fn keeps_permissions_and_links() {
    let folder = with_old("old");
    let mode = |name: &str| fs::metadata(folder.join(name)).expect(name).permissions().mode();
    fs::set_permissions(folder.join("out"), fs::Permissions::from_mode(0o640)).expect("its mode");
    symlink("out", folder.join("link")).expect("a link");
    anyask(["--mock", "-o", "link", "new"]).in_dir(&folder).exits(0);
    assert_eq!(folder.read("out"), "new\n");
    assert_eq!(mode("out") & 0o777, 0o640);
    assert!(folder.join("link").is_symlink());
}

#[test]
fn creates_the_file_that_a_link_points_to() {
    let folder = folder();
    symlink("target", folder.join("out")).expect("a link");
    anyask(["--mock", "-o", "out", "new"]).in_dir(&folder).exits(0);
    assert_eq!(folder.read("target"), "new\n");
    assert!(folder.join("out").is_symlink());
}

#[test]
fn writes_to_devices_directly() {
    anyask(["--mock", "-o", "/dev/stdout", "hi"]).prints("hi\n").exits(0);
    anyask(["--mock", "-o", "/dev/null", "hi"]).exits(0);
    if !fs::exists("/dev/full").expect("/dev") {
        return skip("this system has no /dev/full");
    }
    anyask(["--mock", "-o", "/dev/full", "hi"])
        .says("anyask: cannot write to /dev/full: No space left on device\n")
        .exits(1);
}

#[test]
fn appends_where_the_shell_redirects_stdout() {
    let folder = with_old("old\n");
    let ask = "anyask --no-stdin --mock hi -o";
    bash(&format!("(echo A; {ask} /dev/stdout; {ask} -; echo B) >> out")).in_dir(&folder).exits(0);
    assert_eq!(folder.files(), only_out("old\nA\nhi\nhi\nB\n"));
}

/// What another program writes into the same file before and after.
#[test]
fn a_standard_stream_under_any_name_is_written_to_as_it_is_open() {
    let folder = folder().with("items", "hi\n");
    let written = |line: &str, stream: u32| {
        let line = format!("{{ echo A >&{stream}; {line}; echo B >&{stream}; }} {stream}> out");
        bash(&line).in_dir(&folder).exits(0);
        folder.read("out")
    };
    for (stream, name) in [(1, "stdout"), (2, "stderr")] {
        for name in
            [format!("/dev/{name}"), format!("/dev/fd/{stream}"), format!("/proc/self/fd/{stream}")]
        {
            let line = format!("anyask --no-stdin --mock -o {name} hi");
            assert_eq!(written(&line, stream), "A\nhi\nB\n", "{name}");
            let row = written(&format!("anyask --batch=items --mock -q -o {name}"), stream);
            let row = row.strip_prefix("A\n").and_then(|row| row.strip_suffix("\nB\n"));
            assert_eq!(json_lines(row.expect(&name))[0]["text"], "hi", "{name}");
        }
    }
    let lines = written("anyask --mock --log /dev/stderr -u hi </dev/null >/dev/null", 2);
    let lines: Vec<&str> = lines.lines().collect();
    let [a, log, usage, b] = lines[..] else { panic!("{lines:?}") };
    assert_eq!((a, b), ("A", "B"));
    assert_eq!(json_lines(log)[0]["exit"], 0);
    assert!(usage.starts_with("anyask: usage: "), "{usage}");
}

#[test]
fn standard_output_under_any_name_is_that_of_o() {
    let events = Events::new().text("half");
    prints_in_time(&["-o", "/dev/stdout"], events, "half");
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        anyask(["--mock", "--log", name, "hi"])
            .says(&format!("anyask: invalid value '{name}' for --log <FILE>: it must be a file\n"))
            .exits(2);
    }
    let folder = folder();
    bash("anyask --no-stdin --mock -o /dev/fd/3 hi 3> out").in_dir(&folder).exits(0);
    assert_eq!(folder.read("out"), "hi\n");
}

#[test]
fn refuses_one_file_for_two_purposes() {
    let folder = with_old("old");
    for (args, flags) in [
        (["--chat=out", "-oout"], "--chat and --output"),
        (["--log=./out", "-oout"], "--output and --log"),
        (["--log=new", "-cnew"], "--chat and --log"),
        (["--chat=new", "-o./new"], "--chat and --output"),
        (["--chat=new", "--log=./new"], "--chat and --log"),
        (["-o./new", "--log=new"], "--output and --log"),
    ] {
        anyask(args)
            .args(&["--mock", "hi"])
            .in_dir(&folder)
            .mentions(&format!("anyask: {flags}{SAME_FILE}"))
            .exits(2);
    }
    assert_eq!(folder.files(), only_out("old"));
}

#[test]
fn refuses_two_links_to_one_file_that_is_not_there_yet() {
    let folder = folder().with("logs/older", "");
    let absolute = folder.name("new");
    for (link, target) in [
        ("link", "new"),
        ("link-to-link", "link"),
        ("absolute", &absolute),
        ("logs/up", "../new"),
        ("logs/link-to-up", "../logs/./up"),
        ("elsewhere", "other"),
    ] {
        symlink(target, folder.join(link)).expect("a link");
    }
    symlink("logs", folder.join("folder")).expect("a link");
    let server = Server::new(Vec::new());
    for (args, flags) in [
        (&["-onew", "--log=link"][..], "--output and --log"),
        (&["-olink", "--log=new"], "--output and --log"),
        (&["-olink", "--log=link-to-link"], "--output and --log"),
        (&["-oabsolute", "--log=logs/up"], "--output and --log"),
        (&["-onew", "--log=folder/link-to-up"], "--output and --log"),
        (&["--record=new", "--chat=link"], "--chat and --record"),
        (&["--record=link", "--replay=new", "--log=logs/up"], "--log and --record"),
        (&["--chat=logs/up", "-o./link-to-link"], "--chat and --output"),
        (&["--batch=logs/older", "-onew", "--log=link"], "--output and --log"),
    ] {
        anyask(["hi"])
            .args(args)
            .in_dir(&folder)
            .at(&server)
            .mentions(&format!("anyask: {flags}{SAME_FILE}"))
            .exits(2);
    }
    assert_eq!(server.connections(), 0);
    assert!(!folder.join("new").exists());
    // one file behind a link is one file for --record and --replay, and two files are two
    anyask(["--record=link", "--replay=new", "--log=elsewhere", "hi"])
        .in_dir(&folder)
        .at(&Server::answering("ok"))
        .prints("ok\n")
        .exits(0);
    assert_eq!((folder.json_lines("new").len(), folder.json_lines("other").len()), (1, 1));
}

#[test]
fn a_circle_of_links_cannot_be_written_to() {
    let folder = folder();
    symlink("one", folder.join("two")).expect("a link");
    symlink("two", folder.join("one")).expect("a link");
    anyask(["--mock", "-oone", "--log=two", "hi"])
        .in_dir(&folder)
        .mentions("anyask: cannot write to one: ")
        .exits(1);
}

#[test]
fn keeps_complete_json_though_it_has_no_text() {
    let folder = with_old("old");
    let tool = r#"{"content":[{"type":"tool_use","id":"t","name":"n","input":{}}],"stop_reason":"tool_use"}"#;
    let server = Server::once(json_answer(tool));
    anyask(["-q", "--json", "-o", "out", "hi"])
        .in_dir(&folder)
        .at(&server)
        .says("anyask: the answer has no text, only tool_use (stop reason: tool_use)\n")
        .exits(10);
    assert_eq!(folder.files(), only_out(&format!("{tool}\n")));
}

#[test]
fn a_signal_in_mid_answer_leaves_only_the_old_file() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = with_old("old");
        let gate = Gate::new(2);
        let server = Server::new(vec![vec![Act::Wait(gate.clone()), Act::Hang]]);
        let running = anyask(["-o", "out", "hi"]).at(&server).in_dir(&folder).start();
        gate.wait();
        running.signal(signal);
        running.ends_by(signal);
        assert_eq!(folder.files(), only_out("old"));
    }
}
