//! Files of flags: what they say, what overrules them, and what is wrong with them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Run, Server, answer, anyask, json_answer};

/// A folder with a configuration file and the profile `work`.
fn folder(config: &str, profile: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("anyask");
    fs::create_dir_all(own.join("profiles")).expect("profiles");
    fs::write(own.join("config"), config).expect("config");
    fs::write(own.join("profiles/work"), profile).expect("work");
    folder
}

fn with(run: Run, folder: &Path) -> Run {
    run.env("XDG_CONFIG_HOME", folder.to_str().expect("a path in UTF-8"))
}

fn body(run: Run) -> Value {
    serde_json::from_str(&run.output()).expect("JSON")
}

#[test]
fn a_line_is_a_flag_and_its_value_as_it_stands() {
    let config =
        "# mine\n\n  --system You are \"terse\", # not shy \n-t 0\n--max-tokens=9\n--stop\tEND\n";
    let folder = folder(config, "");
    let body = body(with(anyask(["--dry-run", "hi"]), folder.path()));
    assert_eq!(body["system"], "You are \"terse\", # not shy");
    assert_eq!(
        (
            &body["temperature"],
            &body["max_tokens"],
            &body["stop_sequences"][0]
        ),
        (&0.0.into(), &9.into(), &"END".into())
    );
}

#[test]
fn the_home_folder_has_the_files_where_nothing_else_is_said() {
    let home = tempfile::tempdir().expect("a folder");
    let own = home.path().join(".config/anyask");
    fs::create_dir_all(&own).expect(".config");
    fs::write(own.join("config"), "--model mine").expect("config");
    let path = home.path().to_str().expect("a path");
    assert_eq!(
        body(anyask(["--dry-run", "hi"]).env("HOME", path))["model"],
        "mine"
    );
    assert_eq!(
        body(
            anyask(["--dry-run", "hi"])
                .env("HOME", path)
                .env("XDG_CONFIG_HOME", "relative")
        )["model"],
        "mine"
    );
}

/// Every pair of places, the stronger one named first.
#[test]
fn the_command_line_beats_the_environment_beats_the_profile_beats_the_configuration() {
    let empty = folder("", "");
    let both = folder("--model config", "--model profile");
    let config = folder("--model config", "");
    let profile = folder("", "--model profile");
    let variable = |run: Run| run.env("ANYROUTER_MODEL", "variable");
    let typed = ["--dry-run", "-p", "work", "-m", "typed", "hi"];
    let asked = ["--dry-run", "-p", "work", "hi"];
    for (run, model) in [
        (variable(with(anyask(typed), empty.path())), "typed"),
        (with(anyask(typed), profile.path()), "typed"),
        (with(anyask(typed), config.path()), "typed"),
        (variable(with(anyask(asked), profile.path())), "variable"),
        (variable(with(anyask(asked), config.path())), "variable"),
        (with(anyask(asked), both.path()), "profile"),
        (with(anyask(asked), config.path()), "config"),
        (with(anyask(["--dry-run", "hi"]), both.path()), "config"),
        (
            with(anyask(["--dry-run", "--no-config", "hi"]), both.path()),
            "claude-3-5-sonnet-20241022",
        ),
    ] {
        assert_eq!(body(run)["model"], model);
    }
}

#[test]
fn the_server_has_the_same_order() {
    let folder = folder(
        "--base-url https://config.example",
        "--base-url https://profile.example",
    );
    for (run, host) in [
        (anyask(["--curl", "hi"]), "config.example"),
        (anyask(["--curl", "-p", "work", "hi"]), "profile.example"),
        (
            anyask(["--curl", "-p", "work", "hi"])
                .env("ANYROUTER_BASE_URL", "https://variable.example"),
            "variable.example",
        ),
        (
            anyask(["--curl", "--base-url", "https://typed.example", "hi"])
                .env("ANYROUTER_BASE_URL", "x"),
            "typed.example",
        ),
    ] {
        let printed = with(run, folder.path()).output();
        assert!(
            printed.contains(&format!("'https://{host}/v1/messages'")),
            "{printed}"
        );
    }
}

#[test]
fn repeatable_flags_add_up() {
    let folder = folder("--stop a\n--stop b\n--set x=1", "--stop c\n--set x=2");
    let body = body(with(
        anyask(["--dry-run", "-p", "work", "--stop", "d", "hi"]),
        folder.path(),
    ));
    assert_eq!(
        body["stop_sequences"],
        serde_json::json!(["a", "b", "c", "d"])
    );
    assert_eq!(body["x"], 2);
}

#[test]
fn a_switch_that_a_file_turns_on_can_be_turned_off() {
    let folder = folder("--no-stream\n--quiet\n--no-stdin\n--json", "");
    let typed = [
        "--dry-run",
        "--stream",
        "--no-json",
        "--no-quiet",
        "--stdin",
        "hi",
    ];
    let body = body(with(anyask(typed), folder.path()).stdin("piped"));
    assert_eq!(
        (&body["stream"], &body["messages"][0]["content"]),
        (&true.into(), &"piped\n\nhi".into())
    );
}

#[test]
fn a_flag_that_does_not_go_with_a_stronger_one_gives_way() {
    let folder = folder("--system-file /nowhere\n--json\n--quiet", "--system mine");
    let body = body(with(
        anyask(["--dry-run", "-p", "work", "hi"]),
        folder.path(),
    ));
    assert_eq!(body["system"], "mine");
    let run = with(
        anyask([
            "--mock",
            "-p",
            "work",
            "-x",
            "-v",
            "```\\nx\\n```".replace("\\n", "\n").as_str(),
        ]),
        folder.path(),
    );
    run.prints("x\n").mentions("> POST").exits(0);
}

#[test]
fn mistakes_name_the_file_and_the_line() {
    for (line, why) in [
        ("--modle opus", "unexpected argument '--modle' found"),
        (
            "-t warm",
            "invalid value 'warm' for '--temperature <X>': it must be a number from 0.0 to 1.0",
        ),
        ("model opus", "'model opus' is no flag"),
        ("--json yes", "a value too many"),
        ("--dry-run", "--dry-run is for the command line alone"),
        ("--profile x", "--profile is for the command line alone"),
        ("--no-config", "--no-config is for the command line alone"),
        ("--jobs 3", "--jobs is for the command line alone"),
        ("--batch=items", "--batch is for the command line alone"),
        ("--version", "--version is for the command line alone"),
        ("-uS", "a line is one flag"),
        (
            "--system",
            "a value is required for '--system <TEXT>' but none was supplied",
        ),
        (
            "--extract\n--json",
            "the argument '--json' cannot be used with '--extract'",
        ),
    ] {
        let folder = folder(&format!("# first\n--strict\n{line}"), "");
        let number = 3 + line.matches('\n').count();
        let path = folder.path().join("anyask/config");
        let why = if line.starts_with("--extract") {
            String::new()
        } else {
            format!("{why}\n")
        };
        with(anyask(["--mock", "hi"]), folder.path())
            .mentions(&format!("anyask: {}:{number}: {why}", path.display()))
            .mentions("\nhint: a line is a flag and its value as it stands, --model opus, or a comment that begins with #\n")
            .exits(3);
    }
    // values that are looked at after the flags
    for (line, why, hint) in [
        (
            "--base-url example.com",
            "--base-url example.com: the URL lacks its https:// or http://",
            "it looks like https://api.anyrouter.top or http://localhost:8080",
        ),
        (
            "--header nonsense",
            "--header 'nonsense': the header has no value",
            "it is 'Name: value', such as 'x-trace: ci-42'",
        ),
        (
            "--set model=opus",
            "--set model: this field has a way of its own",
            "use --model",
        ),
        (
            "--mock=maybe",
            "--mock: ",
            "the steps are ok, cut or a status from 200 to 599: --mock=429,ok",
        ),
    ] {
        let folder = folder(&format!("--strict\n{line}"), "");
        let path = folder.path().join("anyask/config");
        with(anyask(["--mock", "hi"]), folder.path())
            .mentions(&format!("anyask: {}:2: {why}", path.display()))
            .mentions(&format!("\nhint: {hint}\n"))
            .exits(3);
    }
}

#[test]
fn a_profile_has_to_be_there() {
    let folder = folder("", "");
    with(anyask(["--mock", "-p", "play", "hi"]), folder.path())
        .matches(
            "anyask: cannot read [^\n]*anyask/profiles/play: no such file or directory [^\n]*\n",
        )
        .exits(3);
    with(anyask(["--mock", "-p", "../config", "hi"]), folder.path())
        .says("anyask: --profile ../config: a profile is named by a word, not by a path\n")
        .exits(2);
    anyask(["--mock", "-p", "play", "hi"])
        .mentions("there is no place for profiles")
        .exits(3);
}

#[test]
fn help_version_and_generate_work_whatever_a_file_holds() {
    let folder = folder("--nonsense", "");
    for args in [
        "--help",
        "-h",
        "--version",
        "--generate=man",
        "--list-models",
        "--no-config",
    ] {
        let run = anyask([args, "--mock", "hi"]);
        with(run, folder.path()).output();
    }
}

#[test]
fn a_value_stands_after_an_equals_sign_too() {
    let folder = folder("--system=You are = terse\n--stop ---\n--stop=- x", "");
    let body = body(with(anyask(["--dry-run", "hi"]), folder.path()));
    assert_eq!(body["system"], "You are = terse");
    assert_eq!(body["stop_sequences"], json!(["---", "- x"]));
}

#[test]
fn the_key_of_the_environment_counts_more_than_that_of_a_file() {
    let folder = folder("--api-key-command echo of-the-file", "");
    let asked = |key: Option<&str>, args: [&str; 2]| {
        let server = Server::once(json_answer(&answer("ok")));
        let run = anyask(["-S", "hi"]).arg(args[0]).arg(args[1]);
        let run = with(run, folder.path()).env("ANYROUTER_BASE_URL", &server.url());
        let run = match key {
            Some(key) => run.env("ANYROUTER_API_KEY", key),
            None => run,
        };
        run.prints("ok\n").exits(0);
        server.request().header("authorization").map(String::from)
    };
    let none = ["--retries", "0"];
    assert_eq!(asked(None, none).as_deref(), Some("Bearer of-the-file"));
    assert_eq!(asked(Some("own"), none).as_deref(), Some("Bearer own"));
    let typed = ["--api-key-command", "echo typed"];
    assert_eq!(asked(Some("own"), typed).as_deref(), Some("Bearer typed"));
}

#[test]
fn what_is_no_text_is_told_with_its_line() {
    let folder = folder("", "");
    let path = folder.path().join("anyask/config");
    fs::write(&path, b"--strict\n--system caf\xe9\n").expect("the config");
    with(anyask(["--mock", "hi"]), folder.path())
        .mentions(&format!("anyask: {}:2: this is no text\n", path.display()))
        .exits(3);
}
