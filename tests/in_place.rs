//! Files that no other file can replace, and disks that fail: no paid answer is lost.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

use crate::harness::{
    Folder, OTHER_USER, Server, anyask, as_other_user, bash, folder, is_root, skip,
};

const ON_STDOUT: &str = "hint: the answer is on standard output instead\n";

fn set_mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).expect("its mode");
}

#[test]
fn hard_links_stay_one_file() {
    let folder = folder().with("out", "old, and longer than the new one");
    fs::hard_link(folder.join("out"), folder.join("other")).expect("a link");
    anyask(["--mock", "-o", "out", "new"]).in_dir(&folder).exits(0);
    assert_eq!((folder.read("out"), folder.read("other")), ("new\n".into(), "new\n".into()));
    assert_eq!(folder.files().len(), 2);
}

#[test]
fn owner_and_group_stay() {
    if !is_root() {
        return skip("only root may give a file to somebody else");
    }
    let folder = folder().with("out", "old");
    set_mode(&folder, "out", 0o640);
    chown(folder.join("out"), Some(OTHER_USER), Some(OTHER_USER)).expect("another owner");
    let before = fs::metadata(folder.join("out")).expect("a file");
    anyask(["--mock", "-o", "out", "new"]).in_dir(&folder).exits(0);
    let after = fs::metadata(folder.join("out")).expect("a file");
    assert_eq!((after.uid(), after.gid(), after.mode() & 0o777), (OTHER_USER, OTHER_USER, 0o640));
    assert_eq!(folder.read("out"), "new\n");
    assert_ne!(before.ino(), after.ino());
}

#[test]
fn a_file_in_a_folder_without_write_permission_is_rewritten() {
    let Some(line) = as_other_user("anyask --mock -o out new") else { return skip("no setpriv") };
    for (mode, owner) in [(0o555, "a read-only folder"), (0o1777, "a sticky folder")] {
        if mode == 0o1777 && !is_root() {
            skip("only root can make a file of somebody else");
            continue;
        }
        let folder = folder().with("out", "old, and longer than the new one");
        set_mode(&folder, "out", 0o666);
        set_mode(&folder, ".", mode);
        bash(&line).in_dir(&folder).exits(0);
        assert_eq!(folder.read("out"), "new\n", "{owner}");
        assert_eq!(folder.files().len(), 1, "{owner}");
        set_mode(&folder, ".", 0o777);
    }
}

/// Docker does this with `-v FILE:FILE`.
#[test]
fn a_file_that_is_mounted_is_rewritten() {
    let mount = "touch out && mount --bind mounted out";
    let namespace = if is_root() { "unshare -m" } else { "unshare -rm" };
    let trial = folder().with("mounted", "");
    let mut probe = Command::new("bash");
    let probe =
        probe.args(["-c", &format!("{namespace} bash -c '{mount}'")]).current_dir(trial.path());
    if !probe.output().is_ok_and(|output| output.status.success()) {
        return skip("this system lets no test mount a file");
    }
    let folder = folder().with("mounted", "old\n").with("items", "b\na\n");
    bash(&format!("{namespace} bash -c '{mount} && anyask --mock -o out new'"))
        .in_dir(&folder)
        .exits(0);
    assert_eq!(folder.read("mounted"), "new\n");
    folder.write("mounted", "");
    // the rows of a batch stay in the order in which they came
    let batch = "anyask --mock -k -j1 --batch=items -o out && \
                 printf \"a\\nb\\n\" > items && anyask --mock -k --batch=items -o out --resume";
    bash(&format!("{namespace} bash -c '{mount} && {batch}'"))
        .in_dir(&folder)
        .mentions("anyask: note: out has all results, but -k cannot put it in order, because no other file can take its name: Device or resource busy\n")
        .exits(0);
    let rows = folder.json_lines("mounted");
    assert_eq!(
        rows.iter().map(|row| row["text"].as_str()).collect::<Vec<_>>(),
        [Some("b"), Some("a")]
    );
}

#[test]
fn results_in_a_file_with_hard_links_keep_their_order() {
    let folder = folder().with("items", "b\na\n").with("out", "");
    fs::hard_link(folder.join("out"), folder.join("other")).expect("a link");
    anyask(["--mock", "-q", "-j1", "--batch=items", "-o", "out"]).in_dir(&folder).exits(0);
    folder.write("items", "a\nb\n");
    anyask(["--mock", "-k", "--batch=items", "-o", "out", "--resume"])
        .in_dir(&folder)
        .matches(
            "anyask: note: out has all results, but -k cannot put it in order, because no other file can take its name: it has several hard links\n\
             anyask: 0 answered, 0 failed, 2 skipped; .*",
        )
        .exits(0);
    assert_eq!(folder.json_lines("other")[0]["text"], "b");
}

#[test]
fn an_answer_that_a_full_disk_cannot_take_is_printed() {
    for linked in [false, true] {
        let folder = folder().with("out", "old\n");
        if linked {
            fs::hard_link(folder.join("out"), folder.join("other")).expect("a link");
        }
        let files = folder.files();
        // no file may be longer than 1 KiB; without the trap, a signal would end the program
        let answer = "long ".repeat(300);
        bash("trap '' XFSZ; ulimit -f 1; exec anyask -o out hi")
            .at(&Server::answering(&answer))
            .in_dir(&folder)
            .prints(format!("{answer}\n"))
            .says(&format!("anyask: cannot write to out: File too large\n{ON_STDOUT}"))
            .exits(1);
        assert_eq!(folder.files(), files);
    }
}

#[test]
fn an_answer_that_goes_nowhere_is_said_to_be_lost() {
    let folder = folder().with("out", "old\n");
    bash("trap '' XFSZ; ulimit -f 0; exec anyask --mock -o out hi > /dev/full")
        .in_dir(&folder)
        .says(
            "anyask: cannot write to out: File too large\n\
             hint: standard output cannot be written to either, so the answer is lost\n",
        )
        .exits(1);
    assert_eq!(folder.read("out"), "old\n");
}

/// A library in which the disk fails as a network file system does: when a file is synced, closed or locked.
const FAILING_DISK: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(const char *call, int fd) {
    char link[64], path[4096];
    const char *failing = getenv("FAILING");
    if (!failing || strncmp(failing, call, strlen(call))) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, failing + strlen(call) + 1) != 0;
}

int fsync(int fd) {
    if (fails("fsync", fd)) { errno = EDQUOT; return -1; }
    return syscall(SYS_fsync, fd);
}

int flock(int fd, int operation) {
    if (fails("flock", fd)) { errno = ENOLCK; return -1; }
    return syscall(SYS_flock, fd, operation);
}

int close(int fd) {
    int failed = fails("close", fd);
    int result = syscall(SYS_close, fd);
    if (failed) { errno = EDQUOT; return -1; }
    return result;
}
"#;

/// The path of the library; `None` where it cannot be built.
fn failing_disk(folder: &Folder) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    folder.write("disk/failing.c", FAILING_DISK);
    let mut cc = Command::new("cc");
    let built = cc.args(["-shared", "-fPIC", "-o", "failing.so", "failing.c"]);
    let built = built.current_dir(folder.join("disk")).status();
    built.is_ok_and(|status| status.success()).then(|| folder.name("disk/failing.so"))
}

#[test]
fn what_the_disk_refuses_at_the_end_is_an_error() {
    let built = folder();
    let Some(library) = failing_disk(&built) else { return skip("there is no C compiler") };
    let full = "Disk quota exceeded\n";
    for failing in ["fsync .anyask.", "close .anyask."] {
        let folder = folder().with("out", "old\n");
        anyask(["--mock", "-o", "out", "new"])
            .env("LD_PRELOAD", &library)
            .env("FAILING", failing)
            .in_dir(&folder)
            .prints("new\n")
            .says(&format!("anyask: cannot write to out: {full}{ON_STDOUT}"))
            .exits(1);
        assert_eq!(folder.files(), [("out".into(), "old\n".into())]);
    }
    // written in place: the old content is written back
    for failing in ["fsync /out", "close /out"] {
        let folder = folder().with("out", "old\n");
        fs::hard_link(folder.join("out"), folder.join("other")).expect("a link");
        anyask(["--mock", "-o", "out", "newer than new"])
            .env("LD_PRELOAD", &library)
            .env("FAILING", failing)
            .in_dir(&folder)
            .prints("newer than new\n")
            .says(&format!("anyask: cannot write to out: {full}{ON_STDOUT}"))
            .exits(1);
        assert_eq!(folder.read("out"), "old\n");
    }
    for (args, printed, said) in [
        (["--chat", "out"], "new\n", "the conversation out"),
        (["--record", "out"], "new\n", "the recorded answers out"),
        (["--batch", "-oout"], "", "the results out"),
    ] {
        let folder = folder();
        let run = anyask(args).args(if printed.is_empty() { &[] } else { &["new"] });
        run.at(&Server::answering("new"))
            .stdin("new")
            .env("LD_PRELOAD", &library)
            .env("FAILING", "fsync /out")
            .in_dir(&folder)
            .prints(printed)
            .mentions(&format!("anyask: cannot write to {said}: {full}"))
            .exits(1);
        assert!(folder.read("out").contains("new"));
    }
}

#[test]
fn a_file_system_without_locks_gets_one_note() {
    let built = folder();
    let Some(library) = failing_disk(&built) else { return skip("there is no C compiler") };
    let (folder, server) = (folder().with("items", "new\n"), Server::echo());
    for (args, name) in [
        (&["--chat", "out", "new"][..], "the conversation out"),
        (&["--chat", "out", "new"], "the conversation out"),
        (&["--log", "log/out", "new"], "the log log/out"),
        (&["--record", "record/out", "new"], "the recorded answers record/out"),
        (&["--batch=items", "-o", "batch/out"], "the results batch/out"),
        (&["--batch=items", "-o", "batch/out", "--resume"], "the results batch/out"),
    ] {
        let path = folder.path().join(name.rsplit(' ').next().expect("a path"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        anyask([])
            .args(args)
            .at(&server)
            .env("LD_PRELOAD", &library)
            .env("FAILING", "flock /out")
            .in_dir(&folder)
            .prints_something()
            .matches(&format!(
                "anyask: note: cannot lock {name}, so use it in one program at a time: \
                 No locks available\n(anyask: [01] answered.*)?"
            ))
            .exits(0);
    }
    assert_eq!(folder.json_lines("out").len(), 4);
    assert_eq!(folder.json_lines("batch/out").len(), 1);
}
