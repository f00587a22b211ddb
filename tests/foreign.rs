//! What is no text is not sent as text, and what only looks like a picture or a PDF is text.

use crate::harness::{Folder, Run, anyask, folder, replaced};

/// What the only message of a request says.
#[track_caller]
fn content(run: Run, folder: &Folder) -> String {
    let body = run.in_dir(folder).dry_run();
    body["messages"][0]["content"].as_str().expect("a string").to_string()
}

fn hint(command: &str) -> String {
    format!("hint: convert it, for example with: {command}\n")
}

/// A text of more than 8 KiB, and then a NUL.
fn with_late_nul() -> Vec<u8> {
    [&[b'a'; 9000][..], b"\0\n"].concat()
}

/// The same text as it is sent.
fn without_nul() -> String {
    "a".repeat(9000) + "\u{fffd}\n"
}

#[test]
fn text_in_another_encoding_is_refused_from_a_third_on() {
    let refused = |name: &str| {
        let command = hint("iconv -f ENCODING -t UTF-8");
        let what = "a third of its characters or more would become U+FFFD";
        format!("anyask: {name} is not text in UTF-8: {what}\n{command}")
    };
    // a greeting in GBK, KOI8-R and Shift-JIS
    for bytes in [
        &b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7\n"[..],
        b"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2\n",
        b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\n",
        // 2 of 6 characters
        b"ab\xe9cd\xe9",
    ] {
        let folder = folder().with("x", bytes);
        for args in [["-f", "x"], ["--prompt-file", "x"], ["--system-file", "x"], ["--set", "y=@x"]]
        {
            let run = anyask(["--mock", "hi"]).args(&args).in_dir(&folder);
            run.says(&refused("x")).exits(2);
        }
        anyask(["--mock", "hi"]).stdin(bytes).says(&refused("standard input")).exits(2);
    }
    // 2 of 7
    let run = anyask(["--mock"]).stdin(&b"ab\xe9cd\xe9e"[..]);
    run.prints("ab\u{fffd}cd\u{fffd}e\n").says(&replaced(2, "prompt")).exits(0);
}

#[cfg(unix)]
#[test]
fn words_in_another_encoding_are_refused_from_a_third_on() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"\xc4\xe3\xba\xc3");
    for (args, name) in [(&[][..], "the prompt"), (&["hi", "-s"], "the system prompt")] {
        let run = anyask(["--mock"]).args(args).arg(word);
        run.mentions(&format!("anyask: {name} is not text in UTF-8: ")).exits(2);
    }
}

#[test]
fn a_shell_script_with_an_archive_behind_it_is_refused() {
    // the multiplier and the increment are Knuth's
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let states = std::iter::successors(Some(1), next).take(100_000);
    let archive: Vec<u8> = states.map(|state: u64| (state >> 56) as u8).collect();
    let script = [&b"#!/bin/sh\n"[..], &[b'#'; 8192], &archive].concat();
    let folder = folder().with("setup.run", script);
    let run = anyask(["--mock", "-f", "setup.run", "hi"]).in_dir(&folder);
    run.mentions("anyask: setup.run is not text in UTF-8: ").exits(2);
}

#[test]
fn the_note_of_replaced_bytes_names_the_first_file() {
    let folder = folder().with("a", "one\n").with("b", b"caf\xe9\n").with("c", b"two caf\xe9s\n");
    anyask(["--mock", "-q", "-f", "a", "-f", "b", "-f", "c"])
        .in_dir(&folder)
        .prints_something()
        .exits(0);
    for (args, count, name) in [
        (&["-f", "a", "-f", "b", "-f", "c"][..], 2, "prompt (first in b)"),
        (&["-f", "a", "--prompt-file", "c"], 1, "prompt (first in c)"),
        (&["-f", "c", "--prompt-file", "b"], 2, "prompt (first in c)"),
    ] {
        let run = anyask(["--mock"]).args(args).in_dir(&folder).prints_something();
        run.says(&replaced(count, name)).exits(0);
    }
    anyask(["--batch", "--mock", "-q", "-f", "b"])
        .in_dir(&folder)
        .stdin("item\n")
        .prints_something()
        .exits(0);
}

#[test]
fn a_nul_after_the_start_becomes_a_replacement_character() {
    let folder = folder().with("log", with_late_nul());
    let note = |what: &str| {
        format!("anyask: note: 1 byte of {what} was NUL or not UTF-8 and became U+FFFD\n")
    };
    let text = without_nul();
    let document = format!("<document path=\"log\">\n{text}</document>\n\nhi\n");
    for (args, sent, name) in [
        (&["-f", "log", "hi"][..], &*document, "the prompt (first in log)"),
        (&["--prompt-file", "log"], &text, "the prompt (first in log)"),
        (&["--system-file", "log", "hi"], "hi\n", "log"),
        (&["--set", "metadata=@log", "hi"], "hi\n", "log"),
    ] {
        let run = anyask(["--mock"]).args(args).in_dir(&folder);
        run.prints(sent).says(&note(name)).exits(0);
    }
    anyask(["--mock"]).stdin(with_late_nul()).prints(&*text).says(&note("the prompt")).exits(0);
    for args in [["--system-file", "log"], ["--set", "metadata=@log"]] {
        let body = anyask(["-q", "hi"]).args(&args).in_dir(&folder).dry_run();
        assert!(
            [&body["system"], &body["metadata"]].iter().any(|field| **field == *text),
            "{args:?}"
        );
    }
}

#[test]
fn formats_that_are_not_sent_are_called_by_their_names() {
    let picture = hint("magick FILE FILE.png");
    let utf16 = |order: &str| hint(&format!("iconv -f UTF-16{order} -t UTF-8"));
    let units = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let (greek, chinese) = ("Καλημέρα, κόσμε\n", "你好，世界。一\n你好，世界。这是一个测试文件\n");
    for (bytes, what, hint) in [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), "a HEIC picture", picture.clone()),
        (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf".to_vec(), "an AVIF picture", picture.clone()),
        (b"II*\0\x08\0\0\0".to_vec(), "a TIFF picture", picture.clone()),
        (b"MM\0*\0\0\0\x08".to_vec(), "a TIFF picture", picture.clone()),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec(), "a BMP picture", picture),
        (units("Hello\r\n", u16::to_le_bytes), UTF16, utf16("LE")),
        (units("Hello\r\n", u16::to_be_bytes), UTF16, utf16("BE")),
        (units(greek, u16::to_le_bytes), UTF16, utf16("LE")),
        (units(greek, u16::to_be_bytes), UTF16, utf16("BE")),
        (units(chinese, u16::to_le_bytes), UTF16, utf16("LE")),
        (units(chinese, u16::to_be_bytes), UTF16, utf16("BE")),
        (b"\0\0\0\x18ftypisom\0\0\x02\0isomavc1".to_vec(), BINARY, BINARY_HINT.into()),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec(), BINARY, BINARY_HINT.into()),
        // text with a NUL
        (b"one\0two\0".to_vec(), BINARY, BINARY_HINT.into()),
        (b"le caf\xe9 et\0l'\xe9t\xe9".to_vec(), BINARY, BINARY_HINT.into()),
        (b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), BINARY, BINARY_HINT.into()),
    ] {
        let folder = folder().with("x", &bytes);
        let run = anyask(["--mock", "-f", "x", "hi"]).in_dir(&folder);
        run.says(&format!("anyask: x is {what}\n{hint}")).exits(2);
        let run = anyask(["--mock", "hi"]).stdin(bytes);
        run.says(&format!("anyask: standard input is {what}\n{hint}")).exits(2);
    }
}

const UTF16: &str = "UTF-16 text without a byte order mark";
const BINARY: &str = "binary: it has a NUL byte near its start";
const BINARY_HINT: &str =
    "hint: a prompt is text; -f takes PNG, JPEG, GIF, WebP and PDF files as well\n";

#[test]
fn what_only_begins_like_a_picture_or_a_pdf_is_text() {
    for text in [
        "GIF89a;<?php system($_GET['c']); ?>",
        "GIF87a is a format.",
        "RIFF1234WEBP is how a WebP picture begins.",
        "%PDF-1.7 is how a PDF begins.",
    ] {
        let folder = folder().with("x", text);
        let sent = content(anyask(["-f", "x"]), &folder);
        assert_eq!(sent, format!("<document path=\"x\">\n{text}\n</document>\n"));
        assert_eq!(content(anyask(["-f-"]).stdin(text), &folder), sent.replace("\"x\"", "\"-\""));
        assert_eq!(content(anyask(["hi"]).stdin(text), &folder), format!("{text}\n\nhi"));
    }
    let folder = folder().with("x", b"The sign %PDF- of a caf\xe9");
    let sent = "<document path=\"x\">\nThe sign %PDF- of a caf\u{fffd}\n</document>\n";
    assert_eq!(content(anyask(["-q", "-f", "x"]), &folder), sent);
}

#[test]
fn text_with_the_name_of_a_picture_or_pdf_gets_one_note() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    let folder = folder()
        .with("lfs.png", pointer)
        .with("page.PDF", "<!doctype html>")
        .with("empty.jpeg", "")
        .with("data.csv", pointer)
        .with("real.png", b"\x89PNG\r\n\x1a\n\0")
        .with("a.txt", "one");
    let page = "page.PDF is sent as text: its content is no picture and no PDF";
    let lfs = "is sent as text: it is a Git LFS pointer; git lfs pull downloads the file itself";
    for (list, note) in [
        ("page.PDF", page.to_string()),
        ("lfs.png", format!("lfs.png {lfs}")),
        ("data.csv", format!("data.csv {lfs}")),
        ("empty.jpeg", "empty.jpeg is sent as text: its content is no picture and no PDF".into()),
        ("a.txt\nlfs.png\nreal.png\npage.PDF", format!("lfs.png {lfs}; 1 more is like it")),
        ("page.PDF\nlfs.png\nempty.jpeg", format!("{page}; 2 more are like it")),
    ] {
        anyask(["--mock", "--files-from", "-", "hi"])
            .in_dir(&folder)
            .stdin(list)
            .prints_something()
            .says(&format!("anyask: note: {note}\n"))
            .exits(0);
    }
    anyask(["--mock", "-f", "page.PDF", "hi"])
        .in_dir(&folder)
        .prints_something()
        .says(&format!("anyask: note: {page}\n"))
        .exits(0);
    for file in ["real.png", "a.txt"] {
        anyask(["--mock", "-f", file, "hi"]).in_dir(&folder).prints_something().exits(0);
    }
}

#[test]
fn a_blank_system_prompt_is_refused() {
    let folder = folder().with("blank", " \n").with("empty", "");
    let refused = |name: &str| {
        format!("anyask: {name} is empty\nhint: leave it out if it is meant to be empty\n")
    };
    for (args, name) in [
        (["-s", " "], "the system prompt"),
        (["-s", "\t\n"], "the system prompt"),
        (["--system-file", "blank"], "blank"),
        (["--system-file", "empty"], "empty"),
    ] {
        anyask(["--mock", "hi"]).args(&args).in_dir(&folder).says(&refused(name)).exits(2);
    }
}
