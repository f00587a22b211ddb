//! Settings of files that one call does not want, and where the settings are from.

use anyask::cli::Args;
use clap::CommandFactory;
use serde_json::Value;

use crate::harness::{Folder, Run, Server, anyask, folder};

/// The program with this config file and the profile `work`.
fn with_files(config: &str, profile: &str) -> (Folder, impl Fn(&[&str]) -> Run) {
    let folder = folder().with("anyask/config", config).with("anyask/profiles/work", profile);
    let home = folder.name("");
    (folder, move |args| anyask([]).args(args).env("XDG_CONFIG_HOME", &home))
}

/// The body that is sent with this config file and these arguments.
fn body(config: &str, args: &[&str]) -> Value {
    let (_folder, anyask) = with_files(config, "");
    anyask(args).arg("hi").dry_run()
}

#[test]
fn each_flag_that_a_file_may_hold_can_be_undone() {
    let command = Args::command();
    let in_files = |heading| ["Input", "Request", "Output"].contains(&heading);
    let args = command.get_arguments().filter(|arg| arg.get_help_heading().is_some_and(in_files));
    let names: Vec<_> = args.filter_map(clap::Arg::get_long).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let undo = name.strip_prefix("no-").map_or(format!("--no-{name}"), |of| format!("--{of}"));
        anyask(["--mock", "hi", &undo]).args(&["--mock"]).prints("hi\n").exits(0);
        let (_folder, anyask) = with_files("", &undo);
        anyask(&["--mock", "-p", "work", "hi"]).prints("hi\n").exits(0);
    }
}

#[test]
fn a_call_undoes_what_a_file_sets() {
    let plain = body("", &[]);
    for (line, undo) in [
        ("--file /nowhere", "--no-file"),
        ("--files-from /nowhere", "--no-files-from"),
        ("--prompt-file /nowhere", "--no-prompt-file"),
        ("--system x", "--no-system"),
        ("--system x", "--no-system-file"),
        ("--system-file /nowhere", "--no-system-file"),
        ("--system-file /nowhere", "--no-system"),
        ("--prefill x", "--no-prefill"),
        ("--chat /nowhere/c", "--no-chat"),
        ("--model x", "--no-model"),
        ("--max-tokens 9", "--no-max-tokens"),
        ("-t 0", "--no-temperature"),
        ("--top-p 0", "--no-top-p"),
        ("--stop x\n--stop y", "--no-stop"),
        ("--set x=1", "--no-set"),
        ("--cache", "--no-cache"),
        ("--base-url http://example.com", "--no-base-url"),
        ("--header @/nowhere", "--no-header"),
        ("--log /dev/full", "--no-log"),
        ("--output /nowhere/o", "--no-output"),
    ] {
        assert_eq!(body(line, &[undo]), plain, "{line}");
    }
}

#[test]
fn a_call_undoes_a_check_a_record_and_a_fallback() {
    let config = "--check false\n--record record\n--log log\n--extract\n--usage\n--fallback other";
    let (folder, anyask) = with_files(config, "");
    let undo = ["--no-check", "--no-record", "--no-log", "--no-extract", "--no-usage"];
    anyask(&undo).args(&["--mock", "hi"]).prints("hi\n").exits(0);
    assert!(!folder.join("anyask/record").exists() && !folder.join("anyask/log").exists());
    let once = anyask(&undo).args(&["--mock=529,ok", "--retries=0", "--no-fallback", "hi"]);
    once.mentions(" failed (529 ").exits(8);
}

#[test]
fn a_list_is_emptied_before_more_is_added() {
    let stops = |args: &[&str]| body("--stop a\n--stop b", args)["stop_sequences"].clone();
    assert_eq!(stops(&["--no-stop", "--stop", "c"]), serde_json::json!(["c"]));
    assert_eq!(stops(&["--stop", "c", "--no-stop"]), Value::Null);
    assert_eq!(body("-s x", &["--no-system", "-s", "y"])["system"], "y");
    let (_folder, anyask) = with_files("--stop a", "--no-stop\n--stop b");
    let body = anyask(&["-p", "work", "hi"]).dry_run();
    assert_eq!(body["stop_sequences"], serde_json::json!(["b"]));
}

#[test]
fn a_call_undoes_a_variable_and_a_file_does_not() {
    let (_folder, anyask) = with_files("--model config", "--no-model");
    let anyask = |args: &[&str]| {
        let run = anyask(args).env("ANYROUTER_MODEL", "variable");
        run.env("ANYROUTER_BASE_URL", "https://variable.example")
    };
    let default = "claude-3-5-sonnet-20241022";
    for (args, model) in [(&["--no-model"][..], default), (&["-p", "work"], "variable")] {
        assert_eq!(anyask(args).arg("hi").dry_run()["model"], model);
    }
    let curl = anyask(&["--curl", "--no-base-url", "hi"]).output();
    assert!(curl.contains("'https://api.anyrouter.top/v1/messages'"), "{curl}");
    // also where there is no file
    let body = crate::harness::anyask(["--no-model", "hi"]).env("ANYROUTER_MODEL", "x").dry_run();
    assert_eq!(body["model"], default);
}

#[test]
fn either_flag_of_the_key_undoes_both() {
    for line in ["--api-key-file /nowhere", "--api-key-command exit 1"] {
        for undo in ["--no-api-key-file", "--no-api-key-command"] {
            let server = Server::answering("ok");
            let (_folder, anyask) = with_files(line, "");
            anyask(&[undo, "hi"]).at(&server).prints("ok\n").exits(0);
            anyask(&[undo, "hi"]).says(&no_key("")).exits(3);
        }
    }
}

#[test]
fn flags_that_no_file_may_hold_cannot_be_undone() {
    for flag in ["--no-jobs", "--no-batch", "--no-profile", "--no-dry-run", "--no-no-config"] {
        let unknown = format!("anyask: unknown flag '{flag}'\n");
        anyask([flag, "hi"]).mentions(&unknown).exits(2);
    }
    anyask(["--no-model=x", "hi"]).says("anyask: --no-model takes no value\n").exits(2);
    let help = anyask(["--help"]).output();
    assert!(!help.contains("--no-temperature"), "{help}");
    assert!(help.contains("write --no- before"), "{help}");
}

#[test]
fn an_empty_system_prompt_is_none() {
    for args in [&["-s", ""][..], &["--system="]] {
        assert_eq!(body("--system x", args)["system"], Value::Null);
        assert_eq!(body("--system-file /nowhere", args)["system"], Value::Null);
    }
}

#[test]
fn a_profile_with_a_slash_is_a_path() {
    let (folder, anyask) = with_files("--model config", "--model profile");
    folder.write("ci/review.args", "--system-file role\n--model mine\n");
    folder.write("ci/role", "Be brief");
    for path in ["./ci/review.args", "ci/review.args", &folder.name("ci/review.args")] {
        let body = anyask(&["-p", path, "hi"]).in_dir(&folder).dry_run();
        assert_eq!((&body["model"], &body["system"]), (&"mine".into(), &"Be brief".into()));
    }
    let run = anyask(&["-p", "./work", "hi"]).in_dir(&folder);
    run.says("anyask: there is no profile ./work\n").exits(3);
    let run = anyask(&["-p", "ci/", "hi"]).in_dir(&folder);
    run.mentions("anyask: cannot read ci/: ").exits(3);
    folder.write("ci/wrong", "# mine\n--nope");
    let run = anyask(&["-p", "ci/wrong", "hi"]).in_dir(&folder);
    run.mentions("anyask: ci/wrong:2: unknown flag").exits(3);
}

#[test]
fn verbose_names_the_files_that_were_read() {
    let (folder, anyask) = with_files("--strict", "-v");
    let [config, profile] = ["config", "profiles/work"].map(|name| {
        let path = folder.join("anyask").join(name);
        format!("* read {}\n", path.display())
    });
    let says = |args: &[&str], begin: &str| {
        let run = anyask(args).args(&["--mock", "hi"]).prints("hi\n");
        run.matches(&format!("{}> POST .*", regex_of(begin))).exits(0);
    };
    says(&["-v"], &config);
    says(&["-p", "work"], &(profile + &config));
    says(&["-v", "--no-config"], "");
    anyask(&["--mock", "hi"]).prints("hi\n").exits(0);
}

/// A path as an expression that matches it.
fn regex_of(path: &str) -> String {
    path.replace('*', "\\*").replace('.', "\\.")
}

/// The error if there is no key.
fn no_key(and: &str) -> String {
    format!(
        "anyask: there is no API key{and}\nhint: set ANYROUTER_API_KEY, or use --api-key-file or --api-key-command; --mock needs no key\n"
    )
}

#[test]
fn a_missing_key_names_the_file_that_was_looked_for() {
    let (folder, run) = with_files("", "");
    run(&["hi"]).says(&no_key("")).exits(3);
    let empty = crate::harness::folder();
    let file = empty.join(".config/anyask/config");
    let why = format!(", and there is no configuration file {}", file.display());
    anyask(["hi"]).env("HOME", &empty.name("")).says(&no_key(&why)).exits(3);
    let run = anyask(["--no-config", "hi"]).env("HOME", &folder.name(""));
    run.says(&no_key("")).exits(3);
    let why = ", and HOME is not set, so there is no configuration file";
    anyask(["hi"]).says(&no_key(why)).exits(3);
}
