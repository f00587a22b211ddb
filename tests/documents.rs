//! The documents match the program: completions, man page, README and help.
//!
//! `ANYASK_UPDATE=1 cargo test documents` writes the generated files anew.

mod completions;
mod examples;
mod fields;
mod hook;
mod man;
mod page;
mod readme;
mod release;

use std::fs;
use std::path::Path;

use anyask::cli::Args;
use clap::CommandFactory;

use crate::harness::{anyask, bash, folder};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A generated file.
struct Document {
    /// What `--generate` takes.
    kind: &'static str,
    path: &'static str,
    /// What it was when the program was built.
    built: &'static str,
    /// What it should be.
    right: String,
}

fn documents() -> Vec<Document> {
    macro_rules! document {
        ($kind:literal, $path:literal, $right:expr) => {
            Document {
                kind: $kind,
                path: $path,
                built: include_str!(concat!("../", $path)),
                right: $right,
            }
        };
    }
    vec![
        document!("man", "man/anyask.1", page::page()),
        document!("complete-bash", "completions/anyask.bash", completions::bash()),
        document!("complete-zsh", "completions/_anyask", completions::zsh()),
        document!("complete-fish", "completions/anyask.fish", completions::fish()),
        document!("complete-powershell", "completions/_anyask.ps1", completions::powershell()),
        document!("complete-elvish", "completions/anyask.elv", completions::elvish()),
        document!("complete-nushell", "completions/anyask.nu", completions::nushell()),
    ]
}

#[test]
fn completions_and_man_page_match_the_flags() {
    for Document { path, right, .. } in documents() {
        let file = root().join(path);
        if std::env::var_os("ANYASK_UPDATE").is_some() {
            fs::write(file, right).expect("the document to be written");
        } else {
            let written = fs::read_to_string(file).expect("the document");
            assert!(
                written == right,
                "{path} is out of date: ANYASK_UPDATE=1 cargo test documents"
            );
        }
    }
}

#[test]
fn generate_prints_each_document() {
    for Document { kind, built, .. } in documents() {
        anyask(["--generate", kind]).prints(built).exits(0);
    }
}

/// `.ci/complete` types into other shells, too.
#[test]
fn bash_completes_models_profiles_and_flags() {
    let folder = folder()
        .with("anyask/profiles/reviewer", "")
        .with("anyask/profiles/review.bak", "")
        .with("script", completions::bash());
    let complete = "complete_words() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); \
                    COMP_LINE=$*; COMP_POINT=${#COMP_LINE}; _anyask anyask \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
                    echo \"${COMPREPLY[*]}\"; }";
    for (words, completed) in [
        ("-m claude-3-5", "claude-3-5-sonnet-20241022"),
        ("--model = s", "sonnet"),
        ("--fallback ha", "haiku"),
        ("-mso", "-msonnet"),
        ("-Sv", ""),
        ("--mock = over", "overloaded"),
        ("-H @scr", "@script"),
        ("hi @scr", ""),
        ("-p ''", "reviewer"),
        ("hi --fallb", "--fallback"),
        ("hi no", ""),
    ] {
        bash(&format!("source ./script; {complete}; complete_words anyask {words}"))
            .in_dir(&folder)
            .env("XDG_CONFIG_HOME", &folder.name(""))
            .prints(format!("{completed}\n"))
            .exits(0);
    }
}

#[test]
fn help_fits_a_narrow_terminal_and_shows_every_flag() {
    let short = anyask(["-h"]).output();
    let long = anyask(["--help"]).output();
    for line in short.lines().chain(long.lines()) {
        assert!(line.chars().count() <= 79, "too long: {line}");
    }
    for arg in Args::command().get_arguments() {
        let Some(flag) = arg.get_long() else { continue };
        assert!(
            short.contains(&format!("--{flag}")) && long.contains(&format!("--{flag}")),
            "--{flag}"
        );
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let line =
            short.lines().find(|line| line.contains(&format!("--{flag}")) && line.contains(&help));
        assert!(line.is_some(), "--{flag} is not a line of its own in -h");
        assert!(!help.is_empty() && !help.ends_with('.'), "--{flag}: {help}");
        for name in arg.get_value_names().into_iter().flatten() {
            assert_eq!(name.to_uppercase(), name.as_str(), "--{flag}");
        }
    }
}

/// What the contract and the help say is what counts.
#[test]
fn help_names_the_defaults() {
    let short = anyask(["-h"]).output();
    for (id, default) in [
        ("auth", "bearer"),
        ("retries", "2"),
        ("retry_delay", "1"),
        ("max_wait", "60"),
        ("timeout", "300"),
        ("connect_timeout", "10"),
        ("check_retries", "1"),
        ("jobs", "4"),
    ] {
        let command = Args::command();
        let arg = command.get_arguments().find(|arg| arg.get_id() == id).expect(id);
        // some are filled in later
        let defaults = arg.get_default_values();
        assert!(defaults.is_empty() || defaults == [default], "{id}");
        let flag = format!("--{} ", arg.get_long().expect("a long name"));
        let line = short.lines().find(|line| line.contains(&flag)).expect("a line");
        assert!(line.ends_with(&format!("[default: {default}]")), "{line}");
    }
}

#[test]
fn the_man_page_says_first_that_records_hold_what_was_said() {
    let page = page::page();
    let (_, section) = page.split_once(".SH \"RECORDED ANSWERS\"\n").expect("the section");
    let first =
        "A file of \\-\\-record contains prompts and answers: who can read it, can read both";
    assert!(section.starts_with(first), "{}", &section[..200]);
}

#[test]
fn version_prints_the_version() {
    let version = concat!("anyask ", env!("CARGO_PKG_VERSION"), "\n");
    anyask(["--version"]).prints(version).exits(0);
}

#[test]
fn the_failure_in_the_picture_is_what_is_printed() {
    let picture = fs::read_to_string(root().join("man/session.svg")).expect("the picture");
    let printed = bash("anyask --mock=cut 'one two three four' 2>&1 > /dev/null; true").output();
    let (before, after) = printed.split_once("127.0.0.1:").expect("an address");
    let after = after.trim_start_matches(char::is_numeric).trim_end();
    let error = format!("{before}api.anyrouter.top{after}");
    let error = error.trim_start_matches("anyask: ");
    assert!(picture.contains(&format!(">{error}<")), "{error}");
}
