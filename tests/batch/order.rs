//! `-k -o FILE`: results are appended as they come, and put in the order of the items at the end.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::{batch, each, numbered, summary, with_items};
use crate::harness::{Gate, Server, answer, error_body, http, json_answer};

/// Answers with the prompt, but refuses this one.
fn refusing(refused: &'static str) -> Server {
    Server::handling(move |_, request| {
        let prompt = request.prompt();
        if prompt == refused {
            return http("400 Bad", &[], error_body("invalid_request_error", "no"));
        }
        json_answer(&answer(&prompt))
    })
}

#[test]
fn a_kill_loses_no_answer_behind_a_slow_one() {
    const ITEMS: usize = 300;
    let gate = Gate::new(2);
    let held = gate.clone();
    let server = Server::handling(move |number, request| {
        if number == 0 {
            held.wait();
        }
        json_answer(&answer(&request.prompt()))
    });
    let folder = with_items(numbered(ITEMS)).with("out", "");
    let run = || batch(["-j", "2", "-k", "-o", "out", "--resume"], &server, &folder);
    let running = run().start();
    while folder.read("out").lines().count() < ITEMS - 1 {
        std::thread::yield_now();
    }
    running.kill();
    gate.wait();
    run().mentions(&summary(1, 0, ITEMS - 1)).exits(0);
    assert_eq!(each(&folder.json_lines("out"), "text").join("\n") + "\n", numbered(ITEMS));
    assert_eq!(server.requests(), ITEMS + 1);
    assert_eq!(folder.files().len(), 2);
}

#[test]
fn each_item_keeps_one_row_and_those_of_other_items_come_last() {
    let folder = with_items("gone\none\ntwo\n{\"id\":7}\nsame\n{\"id\":8}\nsame\n");
    let run = |server: &Server, (answered, failed, skipped), status| {
        let run = batch(["-j", "1", "-k", "-o", "out", "--resume"], server, &folder);
        run.mentions(&summary(answered, failed, skipped)).exits(status);
        let rows = folder.json_lines("out");
        let word = |row: &serde_json::Value| match row["text"].as_str() {
            Some(text) => format!("{} {text}", row["line"]),
            None => format!("{} failed", row["line"]),
        };
        rows.iter().map(word).collect::<Vec<_>>()
    };
    let rows = run(&refusing("two"), (4, 3, 0), 12);
    let expected = ["1 gone", "2 one", "3 failed", "4 failed", "5 same", "6 failed", "7 same"];
    assert_eq!(rows, expected);
    // what fails again has one row, as before
    let rows = run(&refusing("two"), (0, 3, 4), 12);
    assert_eq!(rows, expected);
    folder.write(
        "items",
        "new\nsame\ntwo\n{\"id\":7,\"prompt\":\"x\"}\n{\"id\":8}\nsame\nsame\none\n",
    );
    let rows = run(&refusing("nothing"), (4, 1, 3), 12);
    let expected =
        ["1 new", "5 same", "3 two", "4 x", "5 failed", "7 same", "7 same", "2 one", "1 gone"];
    assert_eq!(rows, expected);
}

#[test]
fn replaces_the_file_that_a_link_names_and_only_if_it_has_to() {
    let server = Server::echo();
    let folder = with_items(numbered(2)).with("real/out", "");
    symlink("real/out", folder.join("link")).expect("a link");
    let file = || folder.join("real/out").metadata().expect("the file");
    let mode = PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(folder.join("real/out"), mode).expect("a mode");
    let run = || batch(["-j", "1", "-k", "-q", "-o", "link", "--resume"], &server, &folder);
    run().exits(0);
    let before = file().ino();
    run().exits(0);
    assert_eq!(file().ino(), before);
    folder.write("items", "item 2\nitem 1\n");
    run().exits(0);
    assert_ne!(file().ino(), before);
    assert_eq!(file().mode() & 0o777, 0o640);
    assert_eq!(each(&folder.json_lines("link"), "text"), ["item 2", "item 1"]);
    assert!(folder.join("link").is_symlink());
    assert_eq!(std::fs::read_dir(folder.join("real")).expect("the folder").count(), 1);
    assert_eq!(server.requests(), 2);
}

#[test]
fn says_before_it_asks_that_the_folder_takes_no_new_file() {
    if rustix::process::geteuid().is_root() {
        return crate::harness::skip("root may write anywhere");
    }
    let server = Server::echo();
    let folder = with_items(numbered(2)).with("real/out", "");
    let mode = |mode| {
        let mode = PermissionsExt::from_mode(mode);
        std::fs::set_permissions(folder.join("real"), mode).expect("a mode");
    };
    mode(0o500);
    batch(["-k", "-o", "real/out"], &server, &folder)
        .says("anyask: cannot write to real/out: Permission denied\n")
        .exits(1);
    mode(0o700);
    assert_eq!(server.requests(), 0);
}

#[test]
fn orders_results_in_a_few_dozen_bytes_an_item() {
    let text = answer(&"x".repeat(2000));
    let server = Server::handling(move |_, _| json_answer(&text));
    let peak = |count: usize| {
        let folder = with_items(numbered(count));
        let args = ["-k", "-q", "-o", "out", "-j", "8"];
        let peak = batch(args, &server, &folder).peak_memory(0);
        let rows = folder.json_lines("out");
        assert!(rows.is_sorted_by_key(|row| row["line"].as_u64()) && rows.len() == count);
        peak
    };
    let (few, many) = (peak(500), peak(6000));
    // 12 MB of results
    assert!(many <= few + 4, "{few} and {many} MiB");
}
