//! `-o` and `--resume`: a batch goes on where it ended, and nothing is paid for twice.

use std::collections::BTreeSet;

use super::{batch, each, numbered, summary, with_items};
use crate::harness::{Gate, Server, answer, anyask, bash, folder, http, json_answer, json_lines};

const NOT_A_RESULT: &str = "this line is not a result of a batch\nhint: is it the right file?\n";

/// Killed at fifty moments and resumed each time. Only what was under way at a kill may be paid for again.
#[test]
fn answers_every_item_once_though_killed_again_and_again() {
    const ITEMS: usize = 500;
    const JOBS: usize = 4;
    let server = Server::echo();
    let folder = with_items(numbered(ITEMS));
    let resume = || batch(["-j", "4", "-q", "-o", "out", "--resume"], &server, &folder);
    let mut kills = 0;
    for step in 0..50 {
        // after 1 to 13 more requests, each of them about as often
        let goal = server.requests() + 1 + step * 5 % 13;
        let mut running = resume().start();
        while !running.has_ended() {
            if server.requests() >= goal {
                running.kill();
                kills += 1;
                break;
            }
            std::thread::yield_now();
        }
    }
    resume().exits(0);
    let results = folder.json_lines("out");
    let answered: BTreeSet<_> = results
        .iter()
        .map(|result| (result["line"].as_u64(), result["text"].as_str().map(String::from)))
        .collect();
    let expected: BTreeSet<_> =
        (1..=ITEMS).map(|number| (Some(number as u64), Some(format!("item {number}")))).collect();
    assert_eq!(answered, expected);
    assert_eq!(results.len(), ITEMS);
    let charged = server.requests();
    assert!(kills > 20 && charged <= ITEMS + kills * JOBS, "{kills} kills, {charged} requests");
}

#[test]
fn asks_again_what_failed_or_changed_and_removes_a_torn_line() {
    let server = Server::handling(|number, request| match number {
        1 => http("400 No", &[], ""),
        _ => json_answer(&answer(&request.prompt())),
    });
    let folder = with_items("one\ntwo\n{\"id\":\"c\",\"prompt\":\"three\"}\nfour\n");
    let run = |arg: &str| batch(["-j", "1", "-o", "out", arg], &server, &folder);
    run("--resume").arg("-v").mentions(&summary(3, 1, 0)).exits(12);
    let before = folder.read("out");
    folder.write("out", format!("{before}{{\"line\":9,\"te"));
    // two failed; three moves, but has an id; four is another item now
    folder.write("items", "one\ntwo\nFOUR\n{\"id\":\"c\",\"prompt\":\"three\"}\n");
    run("--resume").arg("--no-json").mentions(&summary(2, 0, 2)).exits(0);
    let after = folder.read("out");
    let new = after.strip_prefix(&before).expect("the old results");
    assert_eq!(each(&json_lines(new), "text"), ["two", "FOUR"]);
    run("--no-json")
        .arg("-q")
        .says("anyask: out is not empty\nhint: use --resume to continue it, or another file\n")
        .exits(2);
    anyask(["--batch=items", "--resume", "--mock"])
        .says("anyask: --resume needs -o FILE\n")
        .exits(2);
}

#[test]
fn keeps_a_whole_row_before_the_nuls_of_a_power_cut() {
    let server = Server::echo();
    let folder = with_items("one\ntwo\n");
    let run = |arg: &str| batch(["-j1", "-oout", "--resume", arg], &server, &folder);
    run("--no-json").mentions(&summary(2, 0, 0)).exits(0);
    let complete = folder.read("out");
    let lines: Vec<&str> = complete.lines().collect();
    folder.write("out", format!("{}\n{}\0\0\0", lines[1], lines[0]));
    run("-k").mentions(&summary(0, 0, 2)).exits(0);
    assert_eq!(folder.read("out"), complete);
    folder.write("out", format!("{}\n\0\0\0", lines[0]));
    run("--no-json").mentions(&summary(1, 0, 1)).exits(0);
    assert_eq!(folder.read("out"), complete);
    assert_eq!(server.requests(), 3);
}

#[test]
fn refuses_a_file_that_another_batch_is_writing_to() {
    let gate = Gate::new(2);
    let server = Server::holding(0, &gate);
    let folder = with_items("one\n");
    let first = batch(["-o", "out"], &server, &folder).mentions(&summary(1, 0, 0)).start();
    gate.wait();
    batch(["-o", "out", "--resume"], &server, &folder)
        .says("anyask: another batch is writing to out\nhint: wait until it ends, or use another file\n")
        .exits(1);
    gate.wait();
    first.exits(0);
}

#[test]
fn answers_an_id_twice_that_occurs_twice() {
    let server = Server::echo();
    let item = "{\"id\":\"x\",\"prompt\":\"p\"}\n";
    let folder = with_items(item);
    let run = || batch(["--resume", "-o", "out"], &server, &folder);
    run().mentions(&summary(1, 0, 0)).exits(0);
    folder.write("items", item.repeat(2));
    run().mentions(&summary(1, 0, 1)).exits(0);
    run().mentions(&summary(0, 0, 2)).exits(0);
    assert_eq!(server.requests(), 2);
}

#[test]
fn knows_an_item_without_an_id_by_its_content_wherever_it_moves() {
    let server = Server::echo();
    let folder = with_items("one\ntwo\ntwo\n");
    let run = || batch(["-j", "1", "--resume", "-o", "out"], &server, &folder);
    run().mentions(&summary(3, 0, 0)).exits(0);
    let before = folder.read("out");
    // two more, and of those that were there none on its old line
    folder.write("items", "new\ntwo\n\none\n{\"prompt\":\"two\"}\ntwo\n");
    run().mentions(&summary(2, 0, 3)).exits(0);
    let after = folder.read("out");
    let new = after.strip_prefix(&before).expect("the old results");
    assert_eq!(each(&json_lines(new), "text"), ["new", "two"]);
    // other words make other requests of them
    run().arg("Say").mentions(&summary(5, 0, 0)).exits(0);
    assert_eq!(server.requests(), 10);
}

/// What does not fit is asked again; what was written stays, line by line.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_batch_and_leaves_no_half_of_a_result() {
    let long = "x".repeat(300);
    let server = Server::handling(move |_, request| {
        json_answer(&answer(&format!("{} {long}", request.prompt())))
    });
    for order in ["-q", "-k"] {
        let before = server.requests();
        let folder = with_items(numbered(40));
        // the limit is 4 KiB; without the trap, a signal would end the program
        let full = "trap '' XFSZ; ulimit -f 4; exec anyask --batch=items -q -o out -j1";
        bash(&format!("{full} {order}"))
            .at(&server)
            .in_dir(&folder)
            .says("anyask: cannot write to the results out: File too large\n")
            .exits(1);
        let written = folder.json_lines("out").len();
        assert!(0 < written && written < 20, "{written}");
        let summary = summary(40 - written, 0, written);
        batch(["-o", "out", "--resume"], &server, &folder).mentions(&summary).exits(0);
        assert_eq!(folder.json_lines("out").len(), 40);
        // the one that did not fit
        assert_eq!(server.requests() - before, 41);
        assert_eq!(folder.files().len(), 2);
    }
}

/// As the README joins them.
#[test]
fn data_says_what_a_result_belongs_to_wherever_the_line_is_now() {
    let server = Server::echo();
    let folder = with_items("");
    let run = |reviews: &[&str], asked, skipped| {
        let item = |review| serde_json::json!({"prompt": review, "data": {"review": review}});
        let items: String = reviews.iter().map(|review| format!("{}\n", item(review))).collect();
        folder.write("items", items);
        let args = ["-j", "2", "-k", "-o", "out", "--resume", "Good?"];
        batch(args, &server, &folder).mentions(&summary(asked, 0, skipped)).exits(0);
        let rows = folder.json_lines("out");
        for row in &rows {
            let review = row["data"]["review"].as_str().expect("data");
            assert_eq!(row["text"], format!("{review}\n\nGood?"));
        }
        let review = |row: &serde_json::Value| row["data"]["review"].to_string();
        rows.iter().map(review).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(run(&["a", "b", "b"], 3, 0), r#""a" "b" "b""#);
    assert_eq!(run(&["new", "b", "a", "b", "b"], 2, 3), r#""new" "b" "a" "b" "b""#);
    assert_eq!(run(&["b", "a"], 0, 2), r#""b" "a" "new" "b" "b""#);
    assert_eq!(server.requests(), 5);
}

#[test]
fn items_that_ask_the_same_are_told_apart_by_their_data() {
    let server = Server::echo();
    let folder = with_items("{\"prompt\":\"b\",\"data\":2}\n");
    batch(["-o", "out"], &server, &folder).mentions(&summary(1, 0, 0)).exits(0);
    folder.write("items", "{\"prompt\":\"b\",\"data\":1}\n{\"prompt\":\"b\",\"data\":2}\n");
    batch(["-o", "out", "--resume"], &server, &folder).mentions(&summary(1, 0, 1)).exits(0);
    let data: Vec<_> = folder.json_lines("out").iter().map(|row| row["data"].clone()).collect();
    assert_eq!(data, [2, 1]);
}

#[test]
fn puts_a_file_with_a_torn_line_in_order() {
    let server = Server::echo();
    let folder = with_items(numbered(3));
    let run = |order| batch(["-j1", "-o", "out", "--resume", order], &server, &folder);
    run("--no-json").mentions(&summary(3, 0, 0)).exits(0);
    let complete = folder.read("out");
    let lines: Vec<&str> = complete.lines().collect();
    folder.write("out", format!("{}\n{}\n{}", lines[2], lines[0], &lines[1][..40]));
    run("-k").mentions(&summary(1, 0, 2)).exits(0);
    assert_eq!(folder.read("out"), complete);
    assert_eq!(server.requests(), 4);
}

#[test]
fn refuses_to_write_the_results_over_the_items() {
    let folder = with_items("one\n");
    for output in ["-oitems", "-o./items"] {
        anyask(["--batch=items", "--mock", output, "--resume"])
            .in_dir(&folder)
            .says("anyask: --batch and --output name the same file, items\n")
            .exits(2);
    }
    assert_eq!(folder.files(), [("items".to_string(), "one\n".to_string())]);
}

#[test]
fn leaves_a_file_alone_that_does_not_hold_results() {
    for (text, line) in [
        ("no result\n", 1),
        ("{\"my\":\"only copy\"}", 1),
        ("notes without a line end", 1),
        ("\0\0icon", 1),
        ("{\"line\":1}\0\0\n", 1),
        ("{\"line\":1}\nx", 2),
    ] {
        let folder = with_items("one\n").with("out", text);
        anyask(["--batch=items", "--mock", "--resume", "-o", "out"])
            .in_dir(&folder)
            .says(&format!("anyask: out:{line}: {NOT_A_RESULT}"))
            .exits(2);
        assert_eq!(folder.read("out"), text);
    }
}

#[test]
fn completes_a_result_that_lacks_only_its_line_end() {
    let server = Server::echo();
    let folder = with_items(numbered(2));
    let run = || batch(["-j", "1", "-k", "--resume", "-o", "out"], &server, &folder);
    run().mentions(&summary(2, 0, 0)).exits(0);
    let complete = folder.read("out");
    folder.write("out", complete.trim_end());
    run().mentions(&summary(0, 0, 2)).exits(0);
    assert_eq!(folder.read("out"), complete);
    assert_eq!(server.requests(), 2);
}

#[test]
fn ignores_blank_lines_among_the_results() {
    let folder = folder().with("items", "one\n");
    let run = || anyask(["--batch=items", "--mock", "--resume", "-o", "out"]).in_dir(&folder);
    run().mentions(&summary(1, 0, 0)).exits(0);
    let result = folder.read("out");
    // a power cut leaves NUL bytes
    folder.write("out", format!("\n{result}\n\0\0"));
    run().mentions(&summary(0, 0, 1)).exits(0);
    assert_eq!(folder.read("out"), format!("\n{result}\n"));
}
