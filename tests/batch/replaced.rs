//! The file of `-o` is moved, removed or replaced while a batch writes to it, as an editor does when it saves.

use std::fs::{self, File};
use std::path::Path;

use rustix::process::Signal;

use super::{batch, each, numbered, summary, with_items};
use crate::harness::{Folder, Gate, Server, answer, http, json_answer};

/// Answers with the prompt. Before it answers the third request, something happens in the folder.
fn meanwhile(folder: &Folder, act: impl Fn(&Path) + Send + Sync + 'static) -> Server {
    let path = folder.path().to_path_buf();
    Server::handling(move |number, request| {
        if number == 2 {
            act(&path);
        }
        json_answer(&answer(&request.prompt()))
    })
}

/// The two ways in which editors save a file.
const SAVES: [fn(&Path, &str); 2] = [save, rewrite];

fn save(folder: &Path, text: &str) {
    fs::write(folder.join("new"), text).expect("a new file");
    fs::rename(folder.join("new"), folder.join("out")).expect("the new name");
}

fn rewrite(folder: &Path, text: &str) {
    fs::write(folder.join("out"), text).expect("the file");
}

/// What a batch of five says after this note.
fn said(note: &str) -> String {
    format!(
        "anyask: note: out was {note}\n{}185 tokens, about $0.00021 at the example price\n",
        summary(5, 0, 0)
    )
}

fn texts(folder: &Folder, name: &str) -> String {
    each(&folder.json_lines(name), "text").join(", ")
}

#[test]
fn after_a_move_the_results_go_on_in_a_new_file() {
    for order in ["--no-json", "-k"] {
        let folder = with_items(numbered(5));
        let server = meanwhile(&folder, |path| {
            fs::rename(path.join("out"), path.join("moved")).expect("a move");
        });
        let note = "moved with 2 rows; the results go on in a new file";
        batch(["-j1", "-o", "out", order], &server, &folder).says(&said(note)).exits(0);
        assert_eq!(texts(&folder, "moved"), "item 1, item 2");
        assert_eq!(texts(&folder, "out"), "item 3, item 4, item 5");
        // both together are the whole
        folder.write("out", folder.read("moved") + &folder.read("out"));
        batch(["-o", "out", "--resume"], &server, &folder).mentions(&summary(0, 0, 5)).exits(0);
        assert_eq!(folder.files().len(), 3);
    }
}

#[test]
fn after_a_removal_the_results_go_on_in_a_new_file() {
    for order in ["--no-json", "-k"] {
        let folder = with_items(numbered(5));
        let server =
            meanwhile(&folder, |path| fs::remove_file(path.join("out")).expect("a removal"));
        let note = "removed with 2 rows; the results go on in a new file";
        batch(["-j1", "-o", "out", order], &server, &folder).says(&said(note)).exits(0);
        assert_eq!(texts(&folder, "out"), "item 3, item 4, item 5");
        batch(["-o", "out", "--resume"], &server, &folder).mentions(&summary(2, 0, 3)).exits(0);
        assert_eq!(server.requests(), 7);
    }
}

#[test]
fn after_an_editor_saved_the_results_go_on_in_its_file() {
    for (kept, end) in [(2, ""), (1, "\n"), (1, "\n{\"line\":2,\"id\":nu"), (0, "")] {
        for (save, order) in SAVES.into_iter().zip(["--no-json", "-k"]) {
            let folder = with_items(numbered(5));
            let server = meanwhile(&folder, move |path| {
                let rows = fs::read_to_string(path.join("out")).expect("the results");
                let rows: Vec<&str> = rows.lines().take(kept).collect();
                save(path, &(rows.join("\n") + end));
            });
            let note = match kept {
                0 if order == "--no-json" => "removed with 2 rows; the results go on in a new file",
                0 => "replaced: it had 2 rows, and has 0 rows now; the results go on in it",
                1 => "replaced: it had 2 rows, and has 1 row now; the results go on in it",
                _ => "replaced: it had 2 rows, and has 2 rows now; the results go on in it",
            };
            batch(["-j1", "-o", "out", order], &server, &folder).says(&said(note)).exits(0);
            let all = ["item 1", "item 2", "item 3", "item 4", "item 5"];
            let written = [&all[..kept], &all[2..]].concat();
            assert_eq!(texts(&folder, "out"), written.join(", "));
            let run = batch(["-o", "out", "-k", "--resume"], &server, &folder);
            run.mentions(&summary(2 - kept, 0, 3 + kept)).exits(0);
            assert_eq!(texts(&folder, "out"), all.join(", "));
        }
    }
}

#[test]
fn the_rows_of_a_saved_file_are_put_in_order_and_none_is_lost() {
    let folder = with_items(numbered(5));
    let other = "{\"line\":9,\"id\":\"other\",\"key\":null,\"text\":\"other\"}\n";
    let server = meanwhile(&folder, move |path| {
        let rows = fs::read_to_string(path.join("out")).expect("the results");
        let rows: Vec<&str> = rows.lines().rev().collect();
        save(path, &(other.to_string() + &rows.join("\n\n") + "\n"));
    });
    let note = "replaced: it had 2 rows, and has 3 rows now; the results go on in it";
    batch(["-j1", "-o", "out", "-k"], &server, &folder).says(&said(note)).exits(0);
    assert_eq!(texts(&folder, "out"), "item 1, item 2, item 3, item 4, item 5, other");
    assert_eq!(folder.files().len(), 2);
}

#[test]
fn a_file_that_was_saved_after_the_last_row_is_put_in_order() {
    let folder = with_items(numbered(3));
    let run = |server: &Server, jobs| {
        batch([jobs, "-k", "-o", "out", "--resume", "--retry-delay=25"], server, &folder)
    };
    run(&Server::echo(), "-j1").mentions(&summary(3, 0, 0)).exits(0);
    let rows = folder.read("out");
    // one more is never answered
    folder.write("items", numbered(4));
    let busy = Server::handling(|_, _| http("529 Busy", &[], ""));
    let note = "anyask: note: out was replaced: it had 3 rows, and has 3 rows now; the results go on in it\n";
    let mut running = run(&busy, "-j1").mentions(note).mentions(&summary(0, 0, 3)).start();
    assert!(running.says_line().contains("; try 2 of 3 in "));
    let reversed: Vec<&str> = rows.lines().rev().collect();
    save(folder.path(), &(reversed.join("\n") + "\n"));
    running.signal(Signal::INT);
    running.ends_by(Signal::INT);
    assert_eq!(folder.read("out"), rows);
}

#[test]
fn leaves_a_file_alone_that_took_the_place_of_the_results() {
    for (text, line) in [("my notes\n", 1), ("{\"line\":1}\n{\"my\":\"only copy\"}", 2)] {
        for (save, order) in SAVES.into_iter().zip(["--no-json", "-k"]) {
            let folder = with_items(numbered(5));
            let server = meanwhile(&folder, move |path| save(path, text));
            let said = format!(
                "{}111 tokens, about $0.00012 at the example price; 1 answer could not be written\n\
                 anyask: out was replaced: out:{line}: this line is not a result of a batch\n",
                summary(2, 0, 0)
            );
            batch(["-j1", "-o", "out", order], &server, &folder).says(&said).exits(1);
            assert_eq!(folder.read("out"), text);
            assert_eq!(server.requests(), 3);
        }
    }
}

#[test]
fn a_lost_answer_is_told_though_a_signal_had_stopped_the_batch() {
    let folder = with_items(numbered(5));
    let gate = Gate::new(2);
    let server = Server::holding(2, &gate);
    let error = "1 answer could not be written\nanyask: out was replaced: out:1: this line is not";
    let mut running = batch(["-j1", "-o", "out"], &server, &folder).mentions(error).start();
    gate.wait();
    running.signal(Signal::INT);
    assert!(running.says_line().contains("no new items are started"));
    save(folder.path(), "my notes\n");
    gate.wait();
    running.ends_by(Signal::INT);
}

#[test]
fn ends_where_the_new_file_cannot_be_opened_or_locked() {
    let folder_there = |path: &Path| {
        fs::remove_file(path.join("out")).expect("a removal");
        fs::create_dir(path.join("out")).expect("a folder");
    };
    let locked_there = |path: &Path| {
        save(path, "");
        let file = File::open(path.join("out")).expect("the file");
        file.lock().expect("a lock");
        // until the test ends
        std::mem::forget(file);
    };
    ends_after(folder_there, "cannot open the results out: Is a directory\n");
    let busy = "another batch is writing to out\nhint: wait until it ends, or use another file\n";
    ends_after(locked_there, busy);
}

/// Ends a batch of five with this message when its third row cannot be written any more.
#[track_caller]
fn ends_after(act: impl Fn(&Path) + Send + Sync + 'static, message: &str) {
    let folder = with_items(numbered(5));
    let server = meanwhile(&folder, act);
    let lost =
        "111 tokens, about $0.00012 at the example price; 1 answer could not be written\nanyask: ";
    let said = summary(2, 0, 0) + lost + message;
    batch(["-j1", "-o", "out"], &server, &folder).says(&said).exits(1);
}
