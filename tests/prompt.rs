//! What is asked: words, standard input, and both together; and the system prompt.

use crate::harness::{CONFLICT, NO_PROMPT, Run, Server, anyask, folder, replaced};

/// What the only message of a request says.
#[track_caller]
fn content(run: Run) -> String {
    let body = run.dry_run();
    let messages = body["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["role"], "user");
    messages[0]["content"].as_str().expect("a string").to_string()
}

#[test]
fn words_are_joined_by_single_blanks() {
    assert_eq!(content(anyask(["models", "of", "planes"])), "models of planes");
    assert_eq!(content(anyask(["what is", "-5", "plus 3"])), "what is -5 plus 3");
    let after_dashes = anyask(["--dry-run", "--", "-x", "--help"]).output();
    assert!(after_dashes.contains("\"-x --help\""), "{after_dashes}");
}

#[test]
fn standard_input_alone_is_the_prompt_unchanged() {
    assert_eq!(content(anyask([]).stdin("why?\n")), "why?\n");
    assert_eq!(content(anyask(["-"]).stdin(" why?\r\n\n")), " why?\r\n\n");
}

#[test]
fn standard_input_comes_first_then_a_blank_line_and_the_words() {
    let piped = |text: &str| content(anyask(["Review", "this"]).stdin(text));
    assert_eq!(piped("+ code\n"), "+ code\n\nReview this");
    assert_eq!(piped("no line end"), "no line end\n\nReview this");
}

#[test]
fn empty_standard_input_or_empty_words_add_nothing() {
    assert_eq!(content(anyask(["-q", "hi"]).stdin("")), "hi");
    assert_eq!(content(anyask(["-q", "hi"]).stdin(" \n\t\n")), "hi");
    assert_eq!(content(anyask(["", " "]).stdin("why?")), "why?");
}

#[test]
fn notes_a_pipe_or_a_file_that_is_empty_beside_the_words() {
    let note = "anyask: note: standard input is empty, so the prompt is sent without it\n";
    for stdin in ["", " \n"] {
        anyask(["--mock", "hi"]).stdin(stdin).prints("hi\n").says(note).exits(0);
    }
    anyask(["--mock", "-q", "hi"]).stdin("").prints("hi\n").exits(0);
    // nobody meant to put anything into a device
    anyask(["--mock", "hi"]).prints("hi\n").exits(0);
}

#[cfg(unix)]
#[test]
fn notes_an_empty_file_beside_the_words() {
    let folder = folder().with("empty", "");
    crate::harness::bash("anyask --mock hi < empty")
        .in_dir(&folder)
        .prints("hi\n")
        .says("anyask: note: standard input is empty, so the prompt is sent without it\n")
        .exits(0);
}

#[test]
fn a_picture_or_pdf_on_standard_input_is_an_attachment() {
    for (bytes, kind) in [(&b"GIF89a\0"[..], "image"), (b"%PDF-1.7\n1 0 obj\n\0", "document")] {
        let body = anyask(["What", "is it?"]).stdin(bytes).dry_run();
        let blocks = &body["messages"][0]["content"];
        assert_eq!((&blocks[0]["type"], &blocks[1]["text"]), (&kind.into(), &"What is it?".into()));
        for args in [&[][..], &["-"], &["-f-"]] {
            anyask(["--mock"])
                .args(args)
                .stdin(bytes)
                .says(
                    "anyask: standard input is a picture or PDF, and there is no question\n\
                 hint: anyask \"What is in this picture?\" < picture.png\n",
                )
                .exits(2);
        }
    }
    // a file may have the question
    let folder = folder().with("question", "What is it?");
    let body = anyask(["-f", "question"]).in_dir(&folder).stdin("GIF89a\0").dry_run();
    assert_eq!(body["messages"][0]["content"][2]["type"], "image");
}

#[test]
fn the_prompt_file_comes_before_the_words() {
    let folder = folder().with("prompt", "\u{feff}Review this.\n").with("empty", " \n");
    let run = |args: &[&str]| anyask(["--prompt-file", "prompt"]).args(args).in_dir(&folder);
    assert_eq!(content(run(&[])), "Review this.\n");
    assert_eq!(content(run(&["focus", "on SQL"])), "Review this.\n\nfocus on SQL");
    assert_eq!(content(run(&[]).stdin("+ code\n")), "+ code\n\nReview this.\n");
    assert_eq!(content(run(&["-"]).stdin("code")), "code\n\nReview this.\n");
    assert_eq!(content(anyask(["--prompt-file", "-", "now"]).stdin("Why?")), "Why?\n\nnow");
    anyask(["--mock", "--prompt-file", "empty", "hi"])
        .in_dir(&folder)
        .says("anyask: empty is empty\nhint: leave it out if it is meant to be empty\n")
        .exits(2);
}

#[cfg(unix)]
#[test]
fn a_profile_may_have_the_prompt() {
    let folder = folder()
        .with("anyask/profiles/review", "--prompt-file review.txt\n")
        .with("anyask/profiles/review.txt", "Review this.");
    let run = anyask(["-p", "review", "focus on SQL"]).stdin("+ code\n");
    let run = run.env("XDG_CONFIG_HOME", &folder.name(""));
    assert_eq!(content(run), "+ code\n\nReview this.\n\nfocus on SQL");
}

#[test]
fn decodes_utf16_and_drops_byte_order_marks() {
    assert_eq!(content(anyask([]).stdin(&b"\xFF\xFEh\0i\0\xAC\x20"[..])), "hi\u{20ac}");
    assert_eq!(content(anyask([]).stdin(&b"\xFE\xFF\0h\0i\x20\xAC"[..])), "hi\u{20ac}");
    assert_eq!(content(anyask([]).stdin("\u{feff}hi")), "hi");
    // half a pair and half a unit
    anyask(["--mock"])
        .stdin(&b"\xFF\xFEh\0a\0l\0f\0\x3D\xD8i\0!"[..])
        .prints("half\u{fffd}i\u{fffd}\n")
        .says(&replaced(2, "prompt"))
        .exits(0);
    let run = anyask(["--mock"]).stdin(&b"\xFF\xFEh\0\0\0i\0"[..]);
    run.mentions("standard input is binary").exits(2);
}

#[test]
fn notes_a_flag_between_the_words() {
    let note = |flag: &str| {
        format!(
            "anyask: note: {flag} between words was taken as a flag; if it belongs to the prompt, write -- before the words\n"
        )
    };
    for (args, prompt, flag) in [
        (&["what", "does", "ls", "-S", "do"][..], "what does ls do", "-S, --no-stream"),
        (&["what", "is", "-m", "opus", "for"], "what is for", "-m, --model"),
        (&["a", "--no-json", "b"], "a b", "--no-json"),
    ] {
        let run = anyask(["--mock"]).args(args).prints(format!("{prompt}\n"));
        run.says(&note(flag)).exits(0);
        anyask(["--mock", "-q"]).args(args).prints(format!("{prompt}\n")).exits(0);
    }
    for (args, prompt) in [
        (&["-S", "what", "is", "it"][..], "what is it"),
        (&["what", "is", "it", "-S"], "what is it"),
        (&["--", "what", "does", "ls", "-S", "do"], "what does ls -S do"),
    ] {
        anyask(["--mock"]).args(args).prints(format!("{prompt}\n")).exits(0);
    }
}

#[cfg(unix)]
#[test]
fn notes_a_word_that_a_shell_made_of_a_command() {
    for name in ["/dev/fd/63", "/proc/self/fd/12"] {
        anyask(["--mock", "describe", name])
            .prints(format!("describe {name}\n"))
            .says(&format!("anyask: note: {name} is taken as a word; use -f to read it\n"))
            .exits(0);
        anyask(["--mock", "-q", "describe", name]).prints(format!("describe {name}\n")).exits(0);
    }
}

#[test]
fn notes_a_single_word_that_asks_for_the_programs_help() {
    for word in ["help", "version"] {
        anyask(["--mock", word])
            .prints(format!("{word}\n"))
            .says(&format!(
                "anyask: note: '{word}' is sent as a question; anyask --{word} prints the {word}\n"
            ))
            .exits(0);
    }
    anyask(["--mock", "help", "me"]).prints("help me\n").exits(0);
}

#[test]
fn no_stdin_does_not_read_standard_input() {
    assert_eq!(content(anyask(["--no-stdin", "hi"]).stdin("not for you")), "hi");
    anyask(["--no-stdin", "-"]).says("anyask: '-' cannot be used with --no-stdin\n").exits(2);
}

#[test]
fn nothing_to_ask_is_an_error_with_an_example() {
    for run in [
        anyask(["--mock"]),
        anyask(["--mock", " "]).stdin("\n\n"),
        anyask(["--mock", "--no-stdin"]),
    ] {
        run.matches(&format!("{NO_PROMPT}hint: anyask \"What is a monad\\?\", or .*\n")).exits(2);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_and_counted() {
    anyask(["--mock"])
        .stdin(&b"Two caf\xe9s \xff\xfe!"[..])
        .prints("Two caf\u{fffd}s \u{fffd}\u{fffd}!\n")
        .says(&replaced(3, "prompt"))
        .exits(0);
    anyask(["--mock", "-q"]).stdin(&b"caf\xe9"[..]).prints("caf\u{fffd}\n").exits(0);
}

#[cfg(unix)]
#[test]
fn argument_bytes_that_are_not_utf8_are_replaced_and_counted() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"caf\xe9");
    anyask(["--mock"]).arg(word).prints("caf\u{fffd}\n").says(&replaced(1, "prompt")).exits(0);
    anyask(["--mock", "hi", "-s"])
        .arg(word)
        .prints("hi\n")
        .says(&replaced(1, "system prompt"))
        .exits(0);
}

#[test]
fn binary_input_is_refused() {
    anyask(["--mock", "What is this?"])
        .stdin(&b"\x7fELF\x02\x01\x01\0\0"[..])
        .says("anyask: standard input is binary: it has a NUL byte near its start\nhint: a prompt is text; -f takes PNG, JPEG, GIF, WebP and PDF files as well\n")
        .exits(2);
}

#[test]
fn a_nul_makes_input_binary_in_its_first_8_kib_only() {
    let with_nul_at = |place: usize| {
        let mut text = vec![b'a'; 9000];
        text[place] = 0;
        text
    };
    let run = anyask(["--mock"]).stdin(with_nul_at(8191));
    run.mentions("anyask: standard input is binary").exits(2);
    let (start, end) = ("a".repeat(8192), "a".repeat(9000 - 8193));
    anyask(["--mock"])
        .stdin(with_nul_at(8192))
        .prints(format!("{start}\u{fffd}{end}\n"))
        .says("anyask: note: 1 byte of the prompt was NUL or not UTF-8 and became U+FFFD\n")
        .exits(0);
}

#[test]
fn a_request_over_32_mib_is_refused_before_anything_is_sent() {
    let limit = 32 << 20;
    let server = Server::new(Vec::new());
    anyask([])
        .at(&server)
        .stdin(vec![b'a'; limit + 1])
        .says("anyask: standard input is larger than 32 MiB, the most that the API takes\nhint: send less at a time\n")
        .exits(2);
    // quotes take twice as much room in JSON
    anyask([])
        .at(&server)
        .stdin(vec![b'"'; limit / 2])
        .says("anyask: the request is 32.1 MiB, larger than 32 MiB, the most that the API takes\nhint: send less at a time\n")
        .exits(2);
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_system_prompt_comes_from_text_or_a_file() {
    let folder = folder().with("role.txt", "You are terse.\n");
    assert_eq!(anyask(["-s", "Be brief", "hi"]).dry_run()["system"], "Be brief");
    let run = anyask(["--system-file", "role.txt", "hi"]).in_dir(&folder);
    assert_eq!(run.dry_run()["system"], "You are terse.\n");
    anyask(["--dry-run", "-s", "a", "--system-file", "b", "hi"])
        .says(&format!("anyask: --system <TEXT> {CONFLICT} --system-file <PATH>\n"))
        .exits(2);
    anyask(["--dry-run", "--system-file", "nowhere", "hi"])
        .says("anyask: cannot read nowhere: No such file or directory\n")
        .exits(1);
}

#[cfg(unix)]
#[test]
fn numbers_the_lines_of_text_files_as_cat_does() {
    let text = "one\n\n\tthree\r\nfour";
    let folder = folder().with("a", text).with("b", "x\n".repeat(12)).with("p", "GIF89a\0");
    let numbered = crate::harness::bash("for f in a b; do cat -n $f; echo; echo =; done");
    let numbered = numbered.in_dir(&folder).output();
    let mut numbered = numbered.split("\n=\n").map(String::from);
    let mut document = |name: &str| {
        let lines = numbered.next().unwrap_or_default();
        let end = if lines.ends_with('\n') { "" } else { "\n" };
        format!("<document path=\"{name}\">\n{lines}{end}</document>\n")
    };
    let (a, b) = (document("a"), document("b"));
    for flag in ["-n", "--line-numbers"] {
        let run = anyask([flag, "-f", "a", "--files-from", "-", "Why?"]).stdin("b\n");
        assert_eq!(content(run.in_dir(&folder)), format!("{a}{b}\nWhy?"));
    }
    let run = anyask(["-n", "-f", "-", "Why?"]).stdin(text);
    assert_eq!(content(run), format!("{}\nWhy?", a.replace("\"a\"", "\"-\"")));
    // nothing else has numbers
    assert_eq!(content(anyask(["-n", "Why?"]).stdin(text)), format!("{text}\n\nWhy?"));
    assert_eq!(content(anyask(["-n", "--prompt-file", "b"]).in_dir(&folder)), "x\n".repeat(12));
    let body = anyask(["-n", "-f", "p", "Why?"]).in_dir(&folder).dry_run();
    assert_eq!(body["messages"][0]["content"][0]["source"]["data"], "R0lGODlhAA==");
    let batch = anyask(["--batch", "--dry-run", "-n", "-f", "a"]).in_dir(&folder).stdin("Why?\n");
    assert_eq!(batch.json()["messages"][0]["content"], format!("{a}Why?"));
    let files = folder.with("anyask/config", "-n");
    let run = anyask(["-f", "a"]).env("XDG_CONFIG_HOME", &files.name("")).in_dir(&files);
    assert_eq!(content(run), a);
}

#[test]
fn a_prompt_file_may_begin_with_the_line_that_runs_it() {
    let run = |prompt: &str| {
        let folder = folder().with("prompt", prompt);
        content(anyask(["--prompt-file", "prompt", "now"]).in_dir(&folder))
    };
    let line = "#!/usr/bin/env -S anyask --prompt-file";
    assert_eq!(run(&format!("{line}\nReview this.\n")), "Review this.\n\nnow");
    assert_eq!(run(&format!("{line}\r\n\r\nReview")), "\r\nReview\n\nnow");
    assert_eq!(run(&format!("\u{feff}{line}\n#!two\n")), "#!two\n\nnow");
    assert_eq!(run("# Review\n"), "# Review\n\nnow");
    assert_eq!(run("Review\n#!x\n"), "Review\n#!x\n\nnow");
    for prompt in [line.to_string(), format!("{line}\n"), format!("{line}\n \n")] {
        let folder = folder().with("prompt", prompt);
        let run = anyask(["--mock", "--prompt-file", "prompt", "hi"]).in_dir(&folder);
        run.mentions("anyask: prompt is empty\n").exits(2);
    }
    // only there
    assert_eq!(content(anyask([]).stdin("#!/bin/sh\nls\n")), "#!/bin/sh\nls\n");
}

#[cfg(unix)]
#[test]
fn a_prompt_can_be_executable() {
    let prompt = "#!/usr/bin/env -S anyask --mock --prompt-file\nReview this.\n";
    let folder = folder().with("review", prompt);
    crate::harness::bash("chmod +x review; echo '+ code' | ./review focus on SQL")
        .in_dir(&folder)
        .prints("+ code\n\nReview this.\n\nfocus on SQL\n")
        .exits(0);
}
