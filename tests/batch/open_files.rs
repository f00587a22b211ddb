//! Too many open files: a failure of this machine, not of the server.

use super::{batch, numbered, summary, with_items};
use crate::harness::{Server, bash};

const HINT: &str = "hint: raise the limit with ulimit -n, or use a lower --jobs\n";

#[test]
fn too_many_open_files_stop_a_batch_and_fail_no_item() {
    let server = Server::echo();
    let folder = with_items(numbered(300));
    bash("ulimit -n 14; exec anyask --batch=items -j30 -oout")
        .at(&server)
        .in_dir(&folder)
        .matches(&format!(
            "anyask: [0-9]+ answered, 0 failed, 0 skipped; [^\n]*\n\
             anyask: cannot connect to {}: Too many open files\n{HINT}",
            server.host()
        ))
        .exits(1);
    let answered = folder.read("out").lines().count();
    assert!(answered < 300);
    let run = batch(["-j2", "-oout", "--resume"], &server, &folder);
    run.mentions(&summary(300 - answered, 0, answered)).exits(0);
    assert_eq!(server.requests(), 300);
}

#[test]
fn an_answer_is_kept_when_its_check_finds_too_many_open_files() {
    let server = Server::echo();
    let folder = with_items(numbered(20));
    // with one file less each time, there is a limit at which the connection is made but the pipes are not
    let mut reached = false;
    for limit in (6..20).rev() {
        let before = server.requests();
        let line =
            format!("ulimit -n {limit}; exec anyask --batch=items -j1 --check true -oout{limit}");
        let said = bash(&line).at(&server).in_dir(&folder).mentions("").exits_with_one_of(&[0, 1]);
        assert_eq!(said, "");
        if server.requests() == before + 1 {
            let rows = folder.json_lines(&format!("out{limit}"));
            assert_eq!((rows.len(), &rows[0]["error"]["exit"]), (1, &1.into()));
            assert_eq!(rows[0]["error"]["text"], "item 1");
            reached = true;
        }
    }
    assert!(reached);
}

#[test]
fn too_many_open_files_are_told_as_a_local_failure() {
    let server = Server::echo();
    let folder = with_items("one\n");
    let mut messages = Vec::new();
    for limit in 4..14 {
        let line = "exec 2>&1; ulimit -n LIMIT; exec anyask -f items --check true hi";
        let run = bash(&line.replace("LIMIT", &limit.to_string())).at(&server).in_dir(&folder);
        let said = run.prints_something().exits_with_one_of(&[0, 1]);
        if let Some((message, hint)) = said.split_once(": Too many open files\n") {
            assert_eq!(hint, HINT, "{said}");
            messages.push(message.replace(&server.host(), "HOST"));
        }
    }
    messages.dedup();
    assert!(messages.contains(&"anyask: cannot connect to HOST".into()), "{messages:?}");
    // behind the answer that was paid for
    let check = "anyask: cannot run the command of --check";
    let check = |message: &String| message.starts_with("< ") && message.ends_with(check);
    assert!(messages.iter().any(check), "{messages:?}");
}
