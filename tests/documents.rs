//! The documents match the program: completions, man page, README and help.
//!
//! `ANYASK_UPDATE=1 cargo test documents` writes the generated files anew.

mod completions;
mod fields;
mod man;
mod release;

use std::fs;
use std::path::Path;

use anyask::cli::Args;
use clap::CommandFactory;

use crate::harness::{Folder, Server, anyask, bash, folder, is_installed, shell, skip};

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
        document!("man", "man/anyask.1", man::page()),
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
                    _anyask anyask \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
                    echo \"${COMPREPLY[*]}\"; }";
    for (words, completed) in [
        ("-m claude-3-5", "claude-3-5-sonnet-20241022"),
        ("--model = s", "sonnet"),
        ("--fallback ha", "haiku"),
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
    let page = man::page();
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
fn readme_lists_every_exit_status() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    for (kind, meaning) in man::STATUSES {
        let status = kind as u8;
        assert!(readme.contains(&format!("| {status} | {meaning} |")), "{status}: {meaning}");
    }
}

#[test]
fn readme_names_tests_that_are_there() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let names: Vec<&str> =
        readme.split("`cargo test ").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(names.len() >= 3, "{names:?}");
    let sources: String = fs::read_dir(root().join("tests"))
        .expect("tests")
        .filter_map(|file| fs::read_to_string(file.ok()?.path()).ok())
        .collect();
    for name in names {
        assert!(sources.contains(&format!("fn {name}")), "{name}");
    }
}

/// A folder in which examples run: a git repository with a change, some files, and an `anyask` with `--mock`, except
/// where answers are recorded or replayed.
fn stage() -> Folder {
    let program = env!("CARGO_BIN_EXE_anyask");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--record*|*--replay*) ;; *) set -- --mock \"$@\" ;; esac\n\
         exec '{program}' \"$@\"\n"
    );
    let stage = folder().with("bin/anyask", script).with("notes.txt", "one\n");
    for tool in ["jq", "python3"] {
        if !is_installed(tool) {
            skip(&format!("{tool} is not installed, so what it does in an example is not run"));
            stage.write(&format!("bin/{tool}"), "#!/bin/sh\nexec cat\n");
        }
    }
    let setup = "chmod +x bin/*; git init -q; git add notes.txt; \
                 git -c user.name=x -c user.email=x@example.com commit -qm begin; echo two >> notes.txt; \
                 git add notes.txt; echo Why? > question.txt; echo '[ERROR] disk full' > app.log; printf '\\211PNG\\r\\n\\032\\n' > picture.png";
    shell("sh", setup).in_dir(&stage).exits(0);
    stage
}

/// Runs an example, which has to succeed, and returns its folder.
#[track_caller]
fn runs(script: &str, name: &str) -> Folder {
    let (stage, server) = (stage(), Server::echo());
    let path = std::env::var("PATH").unwrap_or_default();
    let run = shell(name, script).env("PATH", &format!("{}:{path}", stage.name("bin")));
    run.at(&server).in_dir(&stage).prints_something().mentions("").exits(0);
    stage
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

#[test]
fn every_man_example_runs() {
    for (_, example) in man::EXAMPLES {
        runs(example, "sh");
    }
}

/// The scripts of the README.
fn recipes() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let scripts = readme.split("\n```sh\n").skip(1);
    let recipes: Vec<_> = scripts.filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(recipes.len() >= 6, "the recipes were not found");
    recipes.into_iter().map(Into::into).collect()
}

#[test]
fn every_readme_recipe_runs() {
    for recipe in recipes() {
        runs(&recipe, "bash");
    }
}

#[test]
fn the_csv_recipe_keeps_commas_quotes_and_line_ends() {
    if !is_installed("python3") {
        return skip("python3 is not installed");
    }
    let recipes = recipes();
    let recipe = recipes.iter().find(|recipe| recipe.contains("answers.csv")).expect("the recipe");
    let question = "Good or bad? One word";
    let says = "\"Good, but \"\"slow\"\",\r\nand loud";
    let answers = format!(
        "id,review,answer\r\n1,{says}\",{says}\n\n{question}\"\r\n2,Bad,\"Bad\n\n{question}\"\r\n"
    );
    assert_eq!(runs(recipe, "bash").read("answers.csv"), answers);
}
