//! The README's git hook suggests a message where git asks for one, and never stops a commit.

use super::examples::{at_home, home, readme_script};
use crate::harness::{Act, Events, Folder, KEY, Server, answer, error_body, http, json_answer};

/// What the user types where git has no message yet.
const EDITOR: &str = "#!/bin/sh\ngrep -q '^[^#]' \"$1\" || echo 'My own words' > \"$1\"\n";

/// A repository with the hook and a staged change.
fn repository() -> Folder {
    home().with("bin/editor", EDITOR).with("hook.sh", readme_script("prepare-commit-msg"))
}

/// Installs the hook and runs these commands. Returns the message of the last commit.
#[track_caller]
fn message_after(repository: &Folder, server: &Server, commands: &str) -> String {
    let script = format!(
        "sh -e hook.sh; chmod +x bin/editor; {{ {commands}; }} >&2; git log -1 --format=%B"
    );
    at_home(repository, server, "bash", &script)
        .env("GIT_EDITOR", "editor")
        .env("ANYROUTER_API_KEY", KEY)
        .prints_something()
        .mentions("")
        .exits(0)
        .trim_end()
        .to_string()
}

#[test]
fn the_git_hook_suggests_a_message_that_git_keeps() {
    for (suggestion, message) in [
        ("Count to two", "Count to two"),
        ("Count to two\n\n- one\n- two", "Count to two\n\n- one\n- two"),
        ("# Count to two\n\n## Why\n\nIt is more.", "Count to two\n\nWhy\n\nIt is more."),
        ("#42: count to two", " #42: count to two"),
        ("```\nCount to two\n\nIt is more.\n```", "Count to two\n\nIt is more."),
        ("```text\nCount to two\n```\n", "Count to two"),
        ("~~~\nCount to two\n~~~", "Count to two"),
    ] {
        let server = Server::answering(suggestion);
        assert_eq!(message_after(&repository(), &server, "git commit"), message);
    }
}

#[test]
fn the_git_hook_works_for_every_commit_that_has_no_message() {
    for commands in [
        "git commit --verbose",
        "git commit --all",
        "git commit notes.txt",
        "git checkout --orphan first; git commit",
        "git worktree add -q tree; cd tree; echo > new; git add new; git commit",
    ] {
        let server = Server::handling(|_, _| json_answer(&answer("Count to two")));
        assert_eq!(message_after(&repository(), &server, commands), "Count to two", "{commands}");
        assert_eq!(server.requests(), 1, "{commands}");
    }
}

#[test]
fn the_git_hook_leaves_other_messages_alone() {
    let side = "git commit -qm Two; git checkout -qb side HEAD~; echo > side; git add side; git commit -qm Side";
    for (commands, message) in [
        ("git commit -m Mine", "Mine"),
        ("echo Mine > message; git commit -F message", "Mine"),
        ("echo '# Say why' > message; git commit -t message", "My own words"),
        (
            "echo '# Say why' > message; git config commit.template message; git commit",
            "My own words",
        ),
        ("git commit --amend", "Begin"),
        ("git commit -C HEAD", "Begin"),
        ("git reset -q; git commit --allow-empty", "My own words"),
        (&format!("{side}; git merge --edit -q -"), "Merge branch '"),
        (&format!("{side}; git merge -q --squash -; git commit"), "Squashed commit"),
        (&format!("{side}; git revert HEAD"), "Revert \"Side\""),
    ] {
        let server = Server::new(vec![]);
        let found = message_after(&repository(), &server, commands);
        assert!(found.starts_with(message), "{commands}: {found}");
        assert_eq!(server.requests(), 0, "{commands}");
    }
}

#[test]
fn a_commit_goes_on_where_the_git_hook_has_no_answer() {
    let error = http("401 Unauthorized", &[], error_body("authentication_error", "no"));
    for act in [
        Act::Hang,
        Act::Send(error),
        Act::Send(Events::new().text("Count to").cut()),
        Act::Send(Events::new().text("Count to").stop("max_tokens").http()),
    ] {
        let repository = repository();
        let hook = repository.read("hook.sh").replace("--max-time 30", "--max-time 0.3");
        repository.write("hook.sh", hook);
        let server = Server::new(vec![vec![act]]);
        assert_eq!(message_after(&repository, &server, "git commit"), "My own words");
    }
}
