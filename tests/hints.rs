//! Hints that lead on: an unknown flag, a word that names a file, a text where a file is wanted.

use crate::harness::{Folder, KEY, Run, anyask, folder};

/// The error of an unknown flag with its hint.
fn unexpected(flag: &str, hint: &str) -> String {
    format!("anyask: unknown flag '{flag}'\nhint: {hint}\n")
}

const PROMPT: &str = "a prompt needs no flag: anyask \"What is a monad?\"";
const NOTHING: &str = "if it belongs to the prompt, write -- before the words";

#[test]
fn an_unknown_flag_is_not_taken_for_one_that_undoes_another() {
    anyask(["--nope"]).says(&unexpected("--nope", NOTHING)).exits(2);
    anyask(["--no-quiet", "--nope"]).says(&unexpected("--nope", NOTHING)).exits(2);
    anyask(["--no-quiet", "--mock", "hi"]).prints("hi\n").exits(0);
}

#[test]
fn suggests_the_flag_that_was_meant() {
    for (flag, meant) in [
        ("--modle", "--model"),
        ("--versoin", "--version"),
        ("--file-form", "--files-from"),
        ("--no-fallbck", "--no-fallback"),
        // its beginning
        ("--temp", "--temperature"),
        ("--retri", "--retries"),
        ("--max", "--max-tokens, --max-wait, --max-time or --max-cost"),
        ("--no", "--no-stdin, --no-stream or --no-config"),
        ("--no-fall", "--no-fallback"),
        // more than it
        ("--system-prompt", "--system"),
        ("--output-file", "--output"),
    ] {
        let why = unexpected(flag, &format!("did you mean {meant}?"));
        anyask([flag, "x"]).says(&why).exits(2);
    }
    for flag in ["--versify", "--encode", "--no-jobs", "--stdin-file", "-z"] {
        anyask([flag, "x"]).says(&unexpected(flag, NOTHING)).exits(2);
    }
}

#[test]
fn knows_the_flags_of_other_clients() {
    for (flag, hint) in [
        ("--print", PROMPT),
        ("--prompt", PROMPT),
        ("--session", "use --chat FILE"),
        ("--continue", "use --chat FILE"),
        ("--interactive", "use --chat FILE"),
        ("-i", "use --chat FILE"),
        ("--code", "use --extract"),
        ("--silent", "use --quiet"),
        ("--image", "use --file PATH"),
        ("--url", "use --base-url URL for the server, and curl URL | anyask for a page"),
        ("--schema", "use --check CMD, or --set output_config=@FILE"),
        ("--json-schema", "use --check CMD, or --set output_config=@FILE"),
        ("--output-format", "use --json, or --json --stream for the events"),
        ("--template", "use --prompt-file PATH, or --profile NAME"),
        ("--thinking", "use --set 'thinking={\"type\":\"adaptive\"}'"),
        ("--top-k", "use --set top_k=N"),
        ("--models", "use --list-models"),
        ("--retry", "use --retries N"),
        ("--repl", "use --chat FILE"),
        ("-a", "use --file PATH"),
        ("--append-system-prompt", "use --system TEXT, or --system-file PATH"),
        ("--max-budget-usd", "use --max-cost USD, with --batch"),
        ("--effort", "use --set output_config='{\"effort\":\"low\"}'"),
        ("--data", "use --set KEY=VALUE"),
        ("--proxy", "set https_proxy"),
        ("--insecure", "set SSL_CERT_FILE to the certificates to trust"),
    ] {
        anyask([flag, "x"]).says(&unexpected(flag, hint)).exits(2);
        if flag.starts_with("--") {
            anyask([&format!("{flag}=x")]).says(&unexpected(flag, hint)).exits(2);
        }
    }
}

#[test]
fn a_key_is_never_the_value_of_a_flag() {
    let why = "anyask: a key is never given as a flag\nhint: set ANYROUTER_API_KEY, or use --api-key-file FILE\n";
    for flag in ["--api-key", "--key", "--api-key-file"] {
        anyask([flag, KEY, "hi"]).says(why).exits(2);
        anyask([&format!("{flag}={KEY}"), "hi"]).says(why).exits(2);
    }
}

#[test]
fn says_what_a_flag_lacks() {
    for (args, why) in [
        (&["-j", "4", "hi"][..], "--jobs needs --batch"),
        (&["-k", "hi"], "--keep-order needs --batch"),
        (&["--resume", "-o", "out", "hi"], "--resume needs --batch"),
        (&["--min-credits", "5", "hi"], "--min-credits needs --batch"),
        (&["-m"], "--model <ID> needs a value"),
        (
            &["--price", "-1,2", "hi"],
            "invalid value '-1,2' for --price <[MODEL=]IN,OUT>: it must be two prices in dollars, such as 0.3,1.5 or haiku=0.3,1.5",
        ),
        (
            &["--batch", "--rate", "-1/s"],
            "invalid value '-1/s' for --rate <RATE>: it must be a whole number of requests per second, minute or hour, such as 2/s, 30/m or 500/h",
        ),
        (
            &["--auth", "beare"],
            "invalid value 'beare' for --auth <KIND>\nhint: did you mean 'bearer'?",
        ),
    ] {
        anyask([]).args(args).says(&format!("anyask: {why}\n")).exits(2);
    }
}

#[test]
fn notes_check_retries_without_a_check() {
    let note = "anyask: note: --check-retries has no effect without --check\n";
    let retries = "--check-retries=3";
    anyask(["--mock", retries, "hi"]).prints("hi\n").says(note).exits(0);
    anyask(["--mock", retries, "--check=true", "hi"]).prints("hi\n").exits(0);
    // a file may have it for calls that check
    let folder = folder().with("anyask/config", retries);
    let run = anyask(["--mock", "hi"]).env("XDG_CONFIG_HOME", &folder.name(""));
    run.prints("hi\n").exits(0);
}

/// A folder with files, one of them in a folder.
fn files() -> Folder {
    folder().with("a.txt", "one\n").with("b.txt", "two\n").with("notes", "").with("dir/c", "")
}

/// Asks the mock in this folder, and checks what it echoes and which note is printed.
#[track_caller]
fn echoes(folder: &Folder, args: &[&str], printed: &str, note: &str) {
    let mock = |quiet: &[&str]| -> Run {
        let run = anyask(["--mock"]).args(quiet).args(args).in_dir(folder);
        run.prints(format!("{printed}\n"))
    };
    mock(&[])
        .says(&if note.is_empty() { String::new() } else { format!("anyask: note: {note}\n") })
        .exits(0);
    mock(&["-q"]).exits(0);
}

#[test]
fn notes_a_word_that_is_a_file_next_to_a_file_flag() {
    let document = "<document path=\"a.txt\">\none\n</document>\n\n";
    for (word, is_noted) in [("b.txt", true), ("notes", true), ("@notes", true), ("dir", false)] {
        let note = format!(
            "{word} is taken as a word, not as a file; use -f for each file, or --files-from"
        );
        let printed = format!("{document}{word} Review");
        echoes(
            &files(),
            &["-f", "a.txt", word, "Review"],
            &printed,
            if is_noted { &note } else { "" },
        );
    }
}

#[test]
fn notes_a_word_that_is_a_file_by_its_dot_or_slash() {
    for word in ["b.txt", "@b.txt", "dir/c", "@dir/c", "./notes", "@./notes"] {
        let note = format!(
            "{word} is taken as a word, not as a file; use -f for each file, or --files-from"
        );
        echoes(&files(), &["summarise", word], &format!("summarise {word}"), &note);
    }
    for word in [
        "notes",
        "@notes",
        "dir",
        "./dir",
        "dir/",
        "c.txt",
        "@@b.txt",
        "e.g.",
        "/dev/null",
        "see b.txt",
    ] {
        echoes(&files(), &["summarise", word], &format!("summarise {word}"), "");
    }
    // one note, for the first one
    let note = "a.txt is taken as a word, not as a file; use -f for each file, or --files-from";
    echoes(&files(), &["compare", "a.txt", "b.txt"], "compare a.txt b.txt", note);
}

#[test]
fn notes_a_word_that_may_be_the_value_of_a_flag() {
    for (word, is_step) in
        [("429", true), ("cut,ok", true), ("refusal", true), ("cuts", false), ("42", false)]
    {
        let note =
            format!("{word} is taken as a word; write --mock={word} if it belongs to --mock");
        echoes(&files(), &[word, "hi"], &format!("{word} hi"), if is_step { &note } else { "" });
    }
    echoes(&files(), &["hi", "429"], "hi 429", "");
    anyask(["--mock=401,ok", "--retries=0", "cut"])
        .mentions(" did not accept the key (401 ")
        .exits(5);
    let folder = files();
    let batch = |args: &[&str]| {
        let run = anyask(["--batch", "--mock"]).args(args).in_dir(&folder).stdin("x\n");
        run.prints_something()
    };
    for word in ["notes", "a.txt"] {
        let note = format!(
            "anyask: note: {word} is taken as a word; write --batch={word} if it belongs to --batch\nanyask: 1 answered"
        );
        batch(&[word]).matches(&format!("{note}.*")).exits(0);
    }
    batch(&["Look", "notes"]).matches("anyask: 1 answered.*").exits(0);
}

#[test]
fn a_text_where_a_file_is_wanted_gets_a_hint() {
    let missing = "No such file or directory";
    for (args, text, hint) in [
        (&["--system-file"][..], "You are terse", "did you mean --system?"),
        (&["-f"], "explain this", PROMPT),
        (&["--files-from"], "explain this", PROMPT),
        (&["--prompt-file"], "Explain TCP/IP to me.", PROMPT),
    ] {
        let why = format!("anyask: cannot read {text}: {missing}\nhint: {hint}\n");
        anyask(["--mock", "hi"]).args(args).args(&[text]).says(&why).exits(1);
    }
    let why = format!("anyask: cannot read a b: {missing}\nhint: {PROMPT}\n");
    anyask(["--mock", "--batch=a b"]).says(&why).exits(1);
    let long = "You are terse ".repeat(30);
    let run = anyask(["--mock", "hi", "--system-file", &long]);
    run.mentions("\nhint: did you mean --system?\n").exits(1);
    // such a file may be there
    let folder = folder().with("You are terse", "Be brief");
    let run = anyask(["--system-file", "You are terse", "hi"]).in_dir(&folder);
    assert_eq!(run.dry_run()["system"], "Be brief");
    let why = format!("anyask: cannot read terse: {missing}\n");
    anyask(["--mock", "--system-file", "terse", "hi"]).says(&why).exits(1);
}

#[test]
fn a_text_where_a_profile_is_wanted_gets_a_hint() {
    let folder = folder().with("anyask/profiles/my review", "--model mine");
    let run =
        |name: &str| anyask(["-p", name, "--mock", "hi"]).env("XDG_CONFIG_HOME", &folder.name(""));
    for (name, why, exit) in [
        ("explain this", "there is no profile explain this", 3),
        ("explain 1/2 of it", "there is no profile explain 1/2 of it", 3),
        ("explain this.", "--profile explain this.: this is not a profile name", 2),
    ] {
        run(name).says(&format!("anyask: {why}\nhint: {PROMPT}\n")).exits(exit);
    }
    run("my review").prints("hi\n").exits(0);
}
