//! Which row belongs to which item: `id` and `data` are compared as JSON values.

use super::{batch, summary, with_items};
use crate::harness::{Server, anyask, folder};

/// An item with this `id` or `data`.
fn item(label: &str) -> String {
    format!("{{\"prompt\":\"p\",{label}}}\n")
}

#[test]
fn equal_ids_and_data_are_equal_however_they_are_written() {
    let server = Server::echo();
    for (first, second) in [
        (r#""data":{"x": 1}"#, r#""data":{"x":1}"#),
        (r#""data":{"a":1,"b":[{"c":2,"d":3}]}"#, r#""data":{"b":[{"d":3, "c":2}],"a":1.0}"#),
        (r#""id":"\u00e9""#, r#""id":"é""#),
        (r#""id":"a\/b""#, r#""id":"a/b""#),
        (r#""data":{"\u00e9":null}"#, r#""data":{"é": null}"#),
        (r#""id":1"#, r#""id":1.0"#),
        (r#""id":-120"#, r#""id":-1.2e2"#),
        (r#""id":9007199254740993"#, r#""id":9007199254740993.0"#),
        // where there is an id, data does not count
        (r#""id":7,"data":1"#, r#""id":7,"data":2"#),
    ] {
        let folder = with_items(item(first));
        let run = || batch(["-k", "-o", "out", "--resume"], &server, &folder);
        run().mentions(&summary(1, 0, 0)).exits(0);
        folder.write("items", item(second));
        run().mentions(&summary(0, 0, 1)).exits(0);
    }
}

#[test]
fn other_ids_and_data_are_other_items_though_they_ask_the_same() {
    let server = Server::echo();
    for (first, second) in [
        (r#""data":{"x":1}"#, r#""data":{"x":2}"#),
        (r#""data":[1,2]"#, r#""data":[2,1]"#),
        (r#""data":[]"#, r#""data":{}"#),
        (r#""id":"1""#, r#""id":1"#),
        (r#""id":1"#, r#""data":1"#),
        (r#""id":1"#, r#""id":-1"#),
        (r#""id":9007199254740993"#, r#""id":9007199254740992"#),
        (r#""id":123456789012345678901234567890"#, r#""id":123456789012345678901234567891"#),
        (r#""data":"a\nb""#, r#""data":"a b""#),
    ] {
        let folder = with_items(item(first));
        let run = || batch(["-j1", "-k", "-o", "out", "--resume"], &server, &folder);
        run().mentions(&summary(1, 0, 0)).exits(0);
        folder.write("items", item(second) + &item(first));
        run().mentions(&summary(1, 0, 1)).exits(0);
        let rows = folder.read("out");
        let rows: Vec<&str> = rows.lines().collect();
        assert!(rows[0].contains(second) && rows[1].contains(first), "{rows:?}");
    }
}

#[test]
fn a_failure_goes_when_its_id_is_answered_however_it_is_written() {
    let folder = with_items("{\"id\":1.0}\n");
    let run = || anyask(["--batch=items", "--mock", "-k", "-o", "out", "--resume"]).in_dir(&folder);
    run().mentions(&summary(0, 1, 0)).exits(12);
    folder.write("items", "{\"id\":1,\"prompt\":\"p\"}\n");
    run().mentions(&summary(1, 0, 0)).exits(0);
    assert_eq!(folder.json_lines("out").len(), 1);
}

/// What 0.2.0 wrote for these items.
const OF_0_2_0: &str = r#"{"line":1,"id":"\u00e9","key":"cafa69a2a4a6bcc60397e9771966349e","text":"one\n\nGo","stop_reason":"end_turn","model":"claude-3-5-sonnet-20241022","usage":{"input_tokens":10,"output_tokens":2}}
{"line":2,"id":null,"data":{"x": 1, "big":9007199254740993},"key":"72cc79337c186c862eb49cde9322da20","text":"two\n\nGo","stop_reason":"end_turn","model":"claude-3-5-sonnet-20241022","usage":{"input_tokens":10,"output_tokens":2}}
{"line":3,"id":1.0,"data":"z","key":"6de1045c8a3eb8a660ab6114e367f3f5","text":"three\n\nGo","stop_reason":"end_turn","model":"claude-3-5-sonnet-20241022","usage":{"input_tokens":11,"output_tokens":3}}
{"line":4,"id":null,"key":"25a02925c81c154fa3c8d5079b4d5ebc","text":"four\n\nGo","stop_reason":"end_turn","model":"claude-3-5-sonnet-20241022","usage":{"input_tokens":10,"output_tokens":2}}
"#;

#[test]
fn results_of_0_2_0_are_continued() {
    let items = r#"{"id":"\u00e9","prompt":"one"}
{"data":{"x": 1, "big":9007199254740993},"prompt":"two"}
{"id":1.0,"data":"z","prompt":"three"}
four
"#;
    let again = r#"{"prompt":"four"}
{"id":"é","prompt":"one"}
{"data":{"big":9007199254740993,"x":1},"prompt":"two"}
{"id":1,"prompt":"three"}
"#;
    for items in [items, again] {
        let folder = folder().with("items", items).with("out", OF_0_2_0);
        anyask(["--batch=items", "--mock", "-o", "out", "--resume", "Go"])
            .in_dir(&folder)
            .mentions(&summary(0, 0, 4))
            .exits(0);
        assert_eq!(folder.read("out"), OF_0_2_0);
    }
}
