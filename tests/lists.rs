//! `--files-from`: lists of files.

use crate::files::with_files;
use crate::harness::{Folder, Run, anyask, folder};

/// What is sent by a run in this folder: the paths of the documents, in order.
fn documents(run: Run, folder: &Folder) -> Vec<String> {
    let body = run.in_dir(folder).dry_run();
    let text = body["messages"][0]["content"].as_str().expect("text").to_string();
    let paths = text.split("<document path=\"").skip(1);
    paths.map(|rest| rest.split('"').next().unwrap_or_default().to_string()).collect()
}

#[test]
fn adds_the_files_of_a_list_once_and_after_those_of_file_flags() {
    for list in [
        "latin1\na.txt\nb &.md\nlatin1\n",
        "latin1\r\n\r\na.txt\r\nb &.md",
        "latin1\0a.txt\0b &.md\0a.txt\0",
        "\u{feff}latin1\nb &.md",
    ] {
        let run = anyask(["-q", "-f", "a.txt", "--files-from", "-", "Review"]).stdin(list);
        assert_eq!(documents(run, &with_files()), ["a.txt", "latin1", "b &amp;.md"]);
    }
    let folder = with_files().with("list", "a.txt\nempty\n");
    let body = anyask(["--files-from", "list"]).in_dir(&folder).stdin("piped").dry_run();
    assert_eq!(
        body["messages"][0]["content"],
        "<document path=\"a.txt\">\none\n</document>\n<document path=\"empty\">\n</document>\npiped"
    );
}

#[test]
fn paths_in_a_list_begin_at_the_working_folder() {
    let folder = with_files().with("lists/one", "a.txt\n").with("lists/a.txt", "another\n");
    let body = anyask(["--files-from", "lists/one", "hi"]).in_dir(&folder).dry_run();
    let document = "<document path=\"a.txt\">\none\n</document>\n\nhi";
    assert_eq!(body["messages"][0]["content"], document);
}

#[test]
fn skips_listed_paths_that_cannot_be_sent_and_names_the_first() {
    let folder = with_files().with("dir/x", "").with("gbk", b"\xc4\xe3\xba\xc3");
    let run = |args: &[&str], list: &str| {
        anyask(["--mock", "--files-from", "-", "Review"]).args(args).in_dir(&folder).stdin(list)
    };
    let answer = "<document path=\"a.txt\">\none\n</document>\n\nReview\n";
    let said = "anyask: note: skipped 1 of the listed paths: dir is a folder\n";
    run(&[], "a.txt\ndir\n").prints(answer).says(said).exits(0);
    let said = "anyask: note: skipped 3 of the listed paths: gbk is not text in UTF-8: a third of its characters or \
                more would become U+FFFD; convert it, for example with: iconv -f ENCODING -t UTF-8; -v names all\n";
    run(&[], "gbk\ndir\n./dir\na.txt\nelf\n").prints(answer).says(said).exits(0);
    let run = run(&["-v"], "dir\na.txt\nelf\n").prints(answer);
    run.mentions("* skipped a listed path: dir is a folder\n")
        .mentions("* skipped a listed path: elf is binary: it has a NUL byte near its start\n")
        .mentions("note: skipped 2 of the listed paths: dir is a folder; -v names all\n")
        .exits(0);
}

#[cfg(unix)]
#[test]
fn a_named_pipe_or_a_socket_in_a_list_is_not_opened() {
    let folder = with_files();
    let script =
        "mkfifo pipe; printf 'pipe\\na.txt\\nsocket\\n' | anyask --mock -v --files-from - hi";
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("a socket");
    crate::harness::bash(script)
        .in_dir(&folder)
        .prints("<document path=\"a.txt\">\none\n</document>\n\nhi\n")
        .mentions("* skipped a listed path: pipe is not a regular file\n")
        .mentions("* skipped a listed path: socket is not a regular file\n")
        .exits(0);
}

#[test]
fn a_list_that_gives_nothing_is_an_error_without_other_material() {
    let folder = with_files().with("none", "\n").with("dir/x", "").with("dirs", "dir\n");
    let wrong = |list: &str| {
        format!(
            "anyask: {list} names no file that is sent\nhint: leave --files-from out to ask without files\n"
        )
    };
    for list in ["none", "dirs"] {
        let run = || anyask(["--mock", "-q", "--files-from", list, "hi"]).in_dir(&folder);
        run().says(&wrong(list)).exits(2);
        run().stdin(" \n").says(&wrong(list)).exits(2);
        run().arg("--batch").stdin("item\n").says(&wrong(list)).exits(2);
        run().args(&["--batch", "--dry-run"]).stdin("item\n").says(&wrong(list)).exits(2);
        run().stdin("piped").prints("piped\n\nhi\n").exits(0);
        run().args(&["-f", "a.txt"]).prints_something().exits(0);
    }
    let run = anyask(["--mock", "--files-from", "-", "hi"]).stdin("");
    run.says(&wrong("standard input")).exits(2);
}

#[cfg(unix)]
#[test]
fn one_file_is_sent_once_by_whatever_path_or_link() {
    let folder = with_files().with("dir/x", "");
    std::os::unix::fs::symlink("../a.txt", folder.join("dir/soft")).expect("a link");
    std::fs::hard_link(folder.join("a.txt"), folder.join("dir/hard")).expect("a link");
    let full = folder.name("a.txt");
    let list = format!("./a.txt\ndir/../a.txt\ndir/soft\ndir/hard\n{full}\nlatin1\n");
    let run =
        |args: &[&str]| anyask(["-q", "--files-from", "-", "hi"]).args(args).stdin(list.clone());
    assert_eq!(documents(run(&[]), &folder), ["./a.txt", "latin1"]);
    assert_eq!(documents(run(&["-f", "dir/soft"]), &folder), ["dir/soft", "latin1"]);
    let twice = anyask(["-f", "a.txt", "-f", "dir/hard", "hi"]);
    assert_eq!(documents(twice, &folder), ["a.txt"]);
}

#[test]
fn a_listed_path_that_is_something_else_gets_a_hint() {
    let folder = with_files();
    let alone = "a path stands alone on its line, as from";
    for (line, hint) in [
        (r#""caf\303\251.txt""#, "git writes such a name unchanged with -z, as in git ls-files -z"),
        ("M\ta.txt", &format!("{alone} git diff --name-only")),
        ("R100\told.txt\ta.txt", &format!("{alone} git diff --name-only")),
        (" M a.txt", &format!("{alone} git diff --name-only")),
        ("?? a.txt", &format!("{alone} git diff --name-only")),
        ("a.txt:3:one", &format!("{alone} grep -l")),
        ("a.txt:one: two", &format!("{alone} grep -l")),
        (&format!("a.txt:1:{}", "long ".repeat(100)), &format!("{alone} grep -l")),
        ("https://example.com/a.txt", r"download it with curl -sSL URL \| anyask -f -"),
    ] {
        anyask(["--mock", "--files-from", "-", "hi"])
            .in_dir(&folder)
            .stdin(line)
            .matches(&format!("anyask: standard input:1: cannot read .*\nhint: {hint}\n"))
            .exits(1);
    }
    for line in ["nowhere", "b.txt:3:one", "My notes.txt"] {
        anyask(["--mock", "--files-from", "-", "hi"])
            .in_dir(&folder)
            .stdin(line)
            .says(&format!(
                "anyask: standard input:1: cannot read {line}: No such file or directory\n"
            ))
            .exits(1);
    }
}

#[test]
fn names_the_line_of_a_listed_path_that_is_missing() {
    let folder = with_files().with("list", "a.txt\n\nnowhere\n");
    anyask(["--mock", "--files-from", "list", "hi"])
        .in_dir(&folder)
        .says("anyask: list:3: cannot read nowhere: No such file or directory\n")
        .exits(1);
    anyask(["--mock", "--files-from", "-", "hi"])
        .in_dir(&folder)
        .stdin("a.txt\0nowhere\0")
        .says("anyask: standard input:2: cannot read nowhere: No such file or directory\n")
        .exits(1);
    // in a list, this is a file
    folder.write("list", "-");
    let run = anyask(["--mock", "--files-from", "list", "hi"]).in_dir(&folder);
    run.mentions("anyask: list:1: cannot read -: No such file").exits(1);
}

/// Other systems have no such names.
#[cfg(target_os = "linux")]
#[test]
fn lists_may_have_paths_that_are_not_utf8() {
    let script =
        "printf two > $'caf\\xe9'; printf 'caf\\xe9\\n' | anyask --files-from - --dry-run hi";
    let body = crate::harness::bash(script).in_dir(&folder()).json();
    let document = "<document path=\"caf\u{fffd}\">\ntwo\n</document>\n\nhi";
    assert_eq!(body["messages"][0]["content"], document);
}
